// Tiny TorchScript models made in place, so that tests need no Python.
#include "fixture.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/script.h>

#include <sys/resource.h>
#include <unistd.h>

#include <clocale>
#include <stdexcept>

#include "graph.hpp"
#include "igdef/model.h"
#include "ops.h"
#include "torch.hpp"

// Programs that link igdef may follow their user's locale, and so do the tests when asked
// to: a decimal comma must reach no file and no message. What the system itself says of a
// file is in the user's language, which the tests do not know.
[[gnu::constructor]] static void set_locale()
{
    const char *name = getenv("IGDEF_TEST_LOCALE");
    if (name != nullptr && setlocale(LC_ALL, name) == nullptr) {
        fprintf(stderr, "no locale %s\n", name);
        abort();
    }
    setlocale(LC_MESSAGES, "C");
}

int fixture_no_tensors_left(void **state)
{
    (void)state;
    if (igd_tensors_alive() == 0)
        return 0;
    fprintf(stderr, "%lld tensors left alive\n",
            static_cast<long long>(igd_tensors_alive()));
    return 1;
}

void fixture_limit_memory(size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)bytes;
#else
    const rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_DATA, &limit);
#endif
}

igd_tensor *fixture_device_fails(igd_scope *s, const char *text, bool memory)
{
    const c10::SourceLocation here = {__func__, __FILE__, __LINE__};
    return eval(s, "device", {}, [&]() -> at::Tensor {
        if (memory)
            throw c10::OutOfMemoryError(here, text);
        throw c10::Error(here, text);
    });
}

bool fixture_computes_exactly()
{
    const at::Context &c = at::globalContext();
    return !c.allowTF32CuDNN() && !c.allowTF32CuBLAS() && !c.benchmarkCuDNN() &&
           c.deterministicCuDNN() && c.deterministicAlgorithms() &&
           c.deterministicAlgorithmsWarnOnly() &&
           getenv("CUBLAS_WORKSPACE_CONFIG") != nullptr;
}

int fixture_num_operations(const igd_graph *g, const char *name)
{
    int num = 0;
    igd::each_node(g->flat->block(), [&](const torch::jit::Node *n) {
        num += n->kind().toQualString() == std::string(name);
    });
    return num;
}

static bool skipped;

void fixture_note_skip(const char *why)
{
    fprintf(stderr, "skipped: %s\n", why);
    skipped = true;
}

int fixture_result(int num_failed)
{
    return num_failed == 0 && skipped ? 77 : num_failed;
}

const char *fixture_path(const char *name)
{
    static std::string ring[8], folder;
    static unsigned next = 0;
    if (folder.empty()) {
        char pattern[] = "/tmp/igdef-test-XXXXXX";
        if (mkdtemp(pattern) == nullptr)
            abort();
        folder = pattern;
        static struct cleaner {
            ~cleaner()
            {
                const std::string command = "rm -rf " + folder;
                if (system(command.c_str()) != 0)
                    perror("rm");
            }
        } at_exit;
    }
    std::string &path = ring[next++ % 8];
    path = folder + "/" + name;
    return path.c_str();
}

static const char *save(torch::jit::Module &m, const char *name)
{
    const char *path = fixture_path(name);
    m.eval();
    m.save(path);
    return path;
}

const char *fixture_model(const char *name, const char *source, const char *const *names,
                          const int64_t (*shapes)[6], int num)
{
    torch::jit::Module m(name);
    auto generator = at::make_generator<at::CPUGeneratorImpl>(1234);
    for (int i = 0; i < num; i++) {
        std::vector<int64_t> shape;
        int64_t fan_in = 1;
        for (int j = 0; j < 6 && shapes[i][j] > 0; j++) {
            shape.push_back(shapes[i][j]);
            fan_in *= j > 0 ? shapes[i][j] : 1;
        }
        at::Tensor w =
            at::randn(shape, generator) / std::sqrt(static_cast<double>(fan_in));
        m.register_parameter(names[i], w, false);
    }
    m.define(source);
    return save(m, name);
}

const char *fixture_values(const char *name, const char *source, const char *const *names,
                           const int64_t (*shapes)[6], const float *const *values,
                           int num)
{
    torch::jit::Module m(name);
    for (int i = 0; i < num; i++) {
        std::vector<int64_t> shape;
        for (int j = 0; j < 6 && shapes[i][j] > 0; j++)
            shape.push_back(shapes[i][j]);
        m.register_parameter(names[i],
                             at::from_blob(const_cast<float *>(values[i]), shape).clone(),
                             false);
    }
    m.define(source);
    return save(m, name);
}

const igd_model_options *fixture_invariant(void)
{
    static const igd_model_options o = [] {
        igd_model_options made = igd_model_options_default();
        made.batch_invariant = true;
        return made;
    }();
    return &o;
}

const int64_t *fixture_indices()
{
    static std::vector<int64_t> all;
    for (int64_t i = static_cast<int64_t>(all.size()); i < 4096; i++)
        all.push_back(i);
    return all.data();
}

int fixture_stop_after(const char *, double, double, void *payload)
{
    return --*static_cast<int *>(payload) <= 0;
}

igd_status fixture_throw(float *, const float *, int64_t, void *)
{
    throw std::runtime_error("thrown by the program");
}

const char *fixture_linear(const char *name, const float *w, const float *b, int C, int d)
{
    torch::jit::Module m("Linear");
    m.register_parameter("weight", at::from_blob(const_cast<float *>(w), {C, d}).clone(),
                         false);
    m.register_parameter("bias", at::from_blob(const_cast<float *>(b), {C}).clone(),
                         false);
    m.define("def forward(self, x):\n"
             "    return torch.linear(x.flatten(1), self.weight, self.bias)\n");
    return save(m, name);
}

const char *fixture_convnet(const char *name, int channels, int K, int C)
{
    const char *const names[] = {"w1", "b1", "w2", "b2", "w3", "b3"};
    const int64_t shapes[][6] = {
        {8, channels, 3, 3}, {8}, {K, 8, 3, 3}, {K}, {C, K}, {C}};
    return fixture_model(
        name,
        "def forward(self, x):\n"
        "    h = torch.relu(torch.conv2d(x, self.w1, self.b1, padding=1))\n"
        "    h = torch.relu(torch.conv2d(h, self.w2, self.b2, stride=2, padding=1))\n"
        "    h = h.mean([2, 3])\n"
        "    return torch.linear(h, self.w3, self.b3)\n",
        names, shapes, 6);
}

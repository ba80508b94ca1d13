// CLIP's tokenizer: a vocabulary, and a text after its first byte 0x01.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/bpe.h"

enum { CONTEXT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > 0 ? memchr(data, 1, size) : NULL;
    const size_t merges = mark == NULL ? size : (size_t)(mark - data);
    const size_t length = mark == NULL ? 0 : size - merges - 1;
    int64_t tokens[CONTEXT];
    igd_bpe *bpe = NULL;
    int num = 0;

    char *text = malloc(size + 1); // the parser's input, then the text
    if (text == NULL)
        abort();
    memcpy(text, data, merges);
    if (igd_bpe_parse(&bpe, text, merges, "x.txt") == IGD_OK) {
        if (length > 0)
            memcpy(text, mark + 1, length);
        text[length] = '\0';
        if (igd_bpe_encode(tokens, &num, bpe, text, CONTEXT) == IGD_OK) {
            const int kept = num < CONTEXT ? num : CONTEXT;
            if (num < 2 || tokens[0] != igd_bpe_start(bpe) ||
                tokens[kept - 1] != igd_bpe_end(bpe))
                abort();
            for (int i = 0; i < CONTEXT; i++)
                if (tokens[i] < 0 || tokens[i] >= igd_bpe_size(bpe))
                    abort();
        }
        igd_bpe_free(bpe);
    }
    free(text);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const seeds[] = {
        "#version: 0.2\na t</w>\nc at</w>\n\x01"
        "A cat's 42 cats!",
        "\"x#version\r\nl o\r\nlo w</w>\r\n\x01 LOW\xc3\x89\xe2\x80\x83\xc4\xb0 "
        "low<|endoftext|>",
    };
    if ((size_t)index >= sizeof(seeds) / sizeof(seeds[0]))
        return 0;
    memcpy(out, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}

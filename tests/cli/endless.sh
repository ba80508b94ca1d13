# shellcheck shell=bash disable=SC1091,SC2154
# A forward pass that never ends is left within ten seconds of the first signal.
has_torch || return 0
cat >net.py <<'END'
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(16, 3)

    def forward(self, x):
        # Makes the file "begun": its size is the batch's, so that no pass is made without.
        begun = torch.from_file("begun", shared=True, size=x.size(0))
        x = x + 0.0 * begun.sum()
        while bool(x.max() < 2.0):
            x = x + 0.0
        return self.fc(x.flatten(1))


torch.jit.script(Net().eval()).save("endless.pt")
END
"$python" net.py
"$python" -c 'import numpy
numpy.save("x.npy", numpy.zeros((3, 1, 4, 4), "float32"))
numpy.save("y.npy", numpy.arange(3))'

quit_in_pass() # SIGNAL COMMAND...
{
    local signal=$1 begin code took
    shift
    rm -f begun
    "$igdef" "$@" >out.txt 2>err.txt &
    while [ ! -e begun ] && kill -0 $!; do
        sleep 0.1
    done
    begin=$(date +%s)
    kill "-$signal" $!
    wait $!
    code=$? took=$(($(date +%s) - begin))
    echo "$signal [$code], $([ $took -le 10 ] && echo within ten seconds)"
    cat err.txt
}

quit_in_pass INT inspect endless.pt --input 1,4,4
quit_in_pass TERM inspect endless.pt --input 1,4,4
# Nothing was saved that it could go on from.
quit_in_pass INT eval -m endless.pt -d x.npy --labels y.npy --attack clean -o r.json

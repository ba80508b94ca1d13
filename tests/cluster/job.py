#!/usr/bin/env python3
"""scripts/cluster/job.yaml against Kubernetes' API as the npm package kubernetes-models states it:
the job is valid, and one with a fault is not. Exit code 77 where the package, node or a reader of
YAML are missing. IGDEF_NODE_MODULES names the folder of packages.

usage: job.py JOB
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

# Keys of a user's own choice stand under these.
OPEN = {"limits", "requests", "labels", "annotations", "nodeSelector"}
VALIDATE = """
const { Job } = require("kubernetes-models/batch/v1/Job");
const job = new Job(JSON.parse(require("fs").readFileSync(0)));
try { job.validate(); } catch (e) { console.log(e.message); process.exit(1); }
"""


def skip(why: str):
    print("case skipped:", why)
    sys.exit(77)


def fault(job: dict, modules: str) -> str:
    """What is wrong with a job; nothing where it is valid."""
    done = subprocess.run(["node", "-e", VALIDATE], input=json.dumps(job), text=True,
                          capture_output=True, env={**os.environ, "NODE_PATH": modules})
    return "" if done.returncode == 0 else done.stdout.strip() or done.stderr.strip()


def unknown_keys(value, known: set):
    """Keys that no type of the API has, which the schemas let pass."""
    if isinstance(value, list):
        for item in value:
            yield from unknown_keys(item, known)
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in known:
                yield key
            if key not in OPEN:
                yield from unknown_keys(item, known)


def main() -> int:
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is missing")
    modules = os.environ.get("IGDEF_NODE_MODULES", "")
    schemas = pathlib.Path(modules, "kubernetes-models", "_schemas")
    if not shutil.which("node") or not modules or not schemas.is_dir():
        skip("node, or kubernetes-models in IGDEF_NODE_MODULES (npm install kubernetes-models)")
    text = pathlib.Path(sys.argv[1]).read_text()
    job, faults = yaml.safe_load(text), []

    if fault(job, modules):
        faults.append(fault(job, modules))
    known = {"apiVersion", "kind"}
    for path in [*schemas.glob("*.js"),
                 *pathlib.Path(modules, "@kubernetes-models/apimachinery/_schemas").glob("*.js")]:
        known.update(re.findall(r'instancePath\+"/(\w+)"', path.read_text()))
    faults += [f"no type of the API has a key '{key}'" for key in unknown_keys(job, known)]
    # What Kubernetes does not compare: the number of parts is said three times.
    spec = job["spec"]
    environment = spec["template"]["spec"]["containers"][0]["env"]
    numbers = {str(spec["completions"]), str(spec["parallelism"]),
               *(e["value"] for e in environment if e["name"] == "JOB_COMPLETIONS")}
    if len(numbers) != 1 or spec["completionMode"] != "Indexed":
        faults.append(f"not an indexed job of one number of parts: {sorted(numbers)}")

    # The check itself sees what is wrong.
    for old, new in (("completions: 4", "completions: four"), ("template:", "template: 1\n  other:"),
                     ("kind: Job", "kind: Jobs")):
        if old not in text or not fault(yaml.safe_load(text.replace(old, new)), modules):
            faults.append(f"'{new}' passes for valid")
    if not list(unknown_keys(yaml.safe_load(text.replace("backoffLimit", "backofLimit")), known)):
        faults.append("a misspelt key passes")
    print("\n".join(faults) or f"valid, of {len(known)} known keys")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

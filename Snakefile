"""The study as a graph of stages; `adrl study PROFILE` calls this and decides what is stale.

Configuration: profile, name (folder of the results), markets, variants (separated by commas),
set (changed study fields, FIELD=VALUE separated by semicolons). A job needs nothing but its declared inputs and the code.
"""

import shlex
import sys

from adrl_core.report import jobs, stages

PROFILE = config.get("profile", "smoke")
NAME = str(config.get("name", PROFILE))
MARKETS = config.get("markets", ",".join(stages.MARKETS)).split(",")
VARIANTS = config.get("variants", ",".join(stages.VARIANTS[PROFILE])).split(",")
CHANGES = [change for change in (config.get("set") or "").split(";") if change]
RESULTS = f"{stages.results_root()}/{NAME}"

# An error in the configuration shows before any job starts.
JOBS = jobs.jobs(PROFILE, tuple(MARKETS), tuple(VARIANTS), NAME, jobs.parse_changes(CHANGES))

# `exec`, so that a job is the child of its workflow and sees it die.
ARGUMENTS = ["--profile", PROFILE, "--name", NAME, *(part for change in CHANGES for part in ("--set", change))]
RUN = "exec " + shlex.join([sys.executable, "-m", "adrl_core.cli", "run", "--follow-parent", *ARGUMENTS])


wildcard_constraints:
    market="[a-z][a-z0-9_]*(\\+fee=[0-9.]+)?",
    variant="[^/]+",


rule all:
    input:
        f"{RESULTS}/commentary/manifest.json",


rule market:
    output:
        f"{RESULTS}/{{market}}/market/manifest.json",
    shell:
        RUN + " market --market {wildcards.market:q} --threads {threads}"


rule train:
    output:
        f"{RESULTS}/{{market}}/{{variant}}/train/manifest.json",
        f"{RESULTS}/{{market}}/{{variant}}/train/checkpoint.pt",
    shell:
        RUN + " train --market {wildcards.market:q} --variant {wildcards.variant:q} --threads {threads}"


rule baselines:
    output:
        f"{RESULTS}/{{market}}/baselines/manifest.json",
    shell:
        RUN + " baselines --market {wildcards.market:q} --threads {threads}"


rule auctions:
    output:
        f"{RESULTS}/auctions/manifest.json",
    shell:
        RUN + " auctions --threads {threads}"


rule rivals:
    output:
        f"{RESULTS}/{{market}}/rivals/manifest.json",
    shell:
        RUN + " rivals --market {wildcards.market:q} --threads {threads}"


rule generalists:
    output:
        f"{RESULTS}/generalists/manifest.json",
    shell:
        RUN + " generalists --threads {threads}"


rule offline:
    output:
        f"{RESULTS}/{{market}}/offline/manifest.json",
    shell:
        RUN + " offline --market {wildcards.market:q} --threads {threads}"


for stage, kind in stages.STAGES.items():
    if kind.after:

        rule:
            name:
                stage
            input:
                [f"{RESULTS}/{folder}/{file}" for folder in kind.after for file in ("manifest.json", "checkpoint.pt")],
            output:
                f"{RESULTS}/{kind.folder}/manifest.json",
            shell:
                RUN + " {rule} --market {wildcards.market:q} --variant {wildcards.variant:q} --threads {threads}"


rule contested:
    output:
        f"{RESULTS}/contested/manifest.json",
    shell:
        RUN + " contested --threads {threads}"


rule calibration:
    output:
        f"{RESULTS}/calibration/manifest.json",
    shell:
        RUN + " calibration --threads {threads}"


rule summary:
    input:
        [f"{RESULTS}/{job.folder}/manifest.json" for job in JOBS if job.stage not in stages.ON_RESULTS],
    output:
        f"{RESULTS}/manifest.json",
    shell:
        RUN + " summary --threads {threads}"


rule commentary:
    input:
        f"{RESULTS}/manifest.json",
    output:
        f"{RESULTS}/commentary/manifest.json",
    shell:
        RUN + " commentary --threads {threads}"

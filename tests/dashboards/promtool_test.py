#!/usr/bin/python3
"""Prometheus's own judge on the alerts, their tests, the example configuration and the dashboard's queries.

Exit 77 (skipped) where promtool is not installed.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import queries

PROMTOOL = shutil.which("promtool")


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"promtool {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def dashboard_queries_as_rules(path):
    # JSON is YAML; a recording rule a query makes promtool parse it.
    rules = [{"record": f"query:{i}", "expr": queries.without_variables(query)}
             for i, (_, query) in enumerate(queries.panel_queries())]
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    return len(rules)


def main():
    if PROMTOOL is None:
        print("skipped: promtool is not installed (Debian package prometheus)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        as_rules = pathlib.Path(folder) / "dashboard.yml"
        count = dashboard_queries_as_rules(as_rules)
        good = [promtool("check", "rules", queries.PROMETHEUS / "autotune.rules.yml"),
                promtool("test", "rules", queries.PROMETHEUS / "autotune.rules.test.yml"),
                promtool("check", "config", queries.PROMETHEUS / "prometheus.yml"),
                promtool("check", "rules", as_rules)]
    print(f"alerts, their tests, the configuration and {count} dashboard queries: {'good' if all(good) else 'bad'}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the dashboards ask for: queries of the Grafana dashboard and of the alerts, and docs/metrics.md."""
import json
import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ.get("AUTOTUNE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
DASHBOARD = SOURCE / "dashboards/grafana/autotune-function.json"
PROMETHEUS = SOURCE / "dashboards/prometheus"

METRIC = re.compile(r"\bautotune_[a-z0-9_]+\b")
# A selector with its matchers and range: name{matchers}[range]
SELECTOR = re.compile(r"\b(autotune_[a-z0-9_]+)\b(?:\{([^}]*)\})?(?:\[([^\]]+)\])?")
RANGED = re.compile(r"\b(rate|increase|irate|delta)\(\s*(autotune_[a-z0-9_]+)")
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
TARGET_LABELS = {"instance", "job"}


def dashboard():
    return json.loads(DASHBOARD.read_text())


def panel_queries():
    """(panel title, query) of every panel, annotation and variable."""
    board = dashboard()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], annotation["expr"]


def interpolated(query, function, rate_interval, dashboard_range):
    """The query as Prometheus gets it from Grafana."""
    values = {"$__rate_interval": rate_interval, "$__range": dashboard_range, "$function": function}
    return re.sub(r"\$\w+", lambda variable: values[variable[0]], query)


def without_variables(query):
    return interpolated(query, "f", "1m", "1h")


def documented():
    """name → (type, labels), from the table of docs/metrics.md."""
    rows = {}
    for line in (SOURCE / "docs/metrics.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `autotune_"):
            rows[cells[0].strip("`")] = (cells[1], {label.strip() for label in cells[2].split(",") if label.strip()})
    return rows


def resolve(name, known):
    """The documented metric that a series name belongs to, its type as seen by a query, its labels."""
    if name in known:
        return known[name]
    for suffix, more in (("_bucket", {"le"}), ("_sum", set()), ("_count", set())):
        base = name.removesuffix(suffix)
        if base != name and known.get(base, ("",))[0] == "histogram":
            return "counter", known[base][1] | more
    return None

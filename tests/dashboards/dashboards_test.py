#!/usr/bin/python3
"""The Grafana dashboard and the alerts ask only for what the agent has, in ways that make sense."""
import re
import unittest

import queries


class Queries(unittest.TestCase):
    def setUp(self):
        self.known = queries.documented()
        self.assertGreater(len(self.known), 20, "docs/metrics.md lists the metrics")
        rules = (queries.PROMETHEUS / "autotune.rules.yml").read_text()
        self.alerts = re.findall(r"expr: (\|\n(?: {6}.*\n)+|[^|\n]+\n)", rules)
        self.assertEqual(len(self.alerts), rules.count("- alert:"), "every alert's query is seen")
        self.all = list(queries.panel_queries()) + [("alert", query) for query in self.alerts]

    def selectors(self):
        for where, query in self.all:
            for name, matchers, window in queries.SELECTOR.findall(query):
                yield where, query, name, matchers, window

    def test_name_only_metrics_that_exist(self):
        for where, query, name, _, _ in self.selectors():
            self.assertIsNotNone(queries.resolve(name, self.known), f"{where}: {name} in {query}")

    def test_ask_only_for_labels_that_the_metric_has(self):
        for where, query, name, matchers, _ in self.selectors():
            labels = queries.resolve(name, self.known)[1] | queries.TARGET_LABELS
            asked = set(re.findall(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"', matchers))
            self.assertLessEqual(asked, labels, f"{where}: {name} in {query}")

    def test_group_only_by_labels_that_some_metric_of_the_query_has(self):
        for where, query in self.all:
            labels = set(queries.TARGET_LABELS)
            for name in queries.METRIC.findall(query):
                if (found := queries.resolve(name, self.known)) is not None:
                    labels |= found[1]
            for group in queries.GROUPING.findall(query):
                asked = {label.strip() for label in group.split(",")}
                self.assertLessEqual(asked, labels, f"{where}: {query}")

    def test_take_rates_of_counters_and_values_of_gauges(self):
        for where, query in self.all:
            rated = [name for _, name in queries.RANGED.findall(query)]
            for name in rated:
                self.assertEqual(queries.resolve(name, self.known)[0], "counter", f"{where}: rate of a gauge in {query}")
            if where == "alert":
                continue  # alerts also look at a counter's value, to see that it is new
            for name in queries.METRIC.findall(query):
                if queries.resolve(name, self.known)[0] == "counter":
                    self.assertIn(name, rated, f"{where}: a counter's bare value in {query}")

    def test_look_far_enough_back_for_a_rate(self):
        scrape = int(re.search(r"scrape_interval: (\d+)s", (queries.PROMETHEUS / "prometheus.yml").read_text())[1])
        seconds = {"s": 1, "m": 60, "h": 3600}
        for where, query, _, _, window in self.selectors():
            if not window:
                continue
            if window.startswith("$"):
                self.assertIn(window, {"$__rate_interval", "$__range"}, f"{where}: {query}")
            else:
                amount, unit = re.fullmatch(r"(\d+)([smh])", window).groups()
                self.assertGreaterEqual(int(amount) * seconds[unit], 4 * scrape, f"{where}: {query}")

    def test_take_quantiles_of_rates_by_le(self):
        for where, query in self.all:
            if "histogram_quantile" in query:
                self.assertRegex(query, r"sum by \(le[,)].*rate\(autotune_\w+_bucket", where)

    def test_function_panels_are_about_the_chosen_function(self):
        # The section about the agent itself is not; every other selector must be.
        board = queries.dashboard()
        about_agent = False
        for panel in board["panels"]:
            if panel["type"] == "row":
                about_agent = panel["title"] == "The agent itself"
            for target in panel.get("targets", []):
                for name, matchers, _ in queries.SELECTOR.findall(target["expr"]):
                    if not about_agent:
                        self.assertIn('function="$function"', matchers, f"{panel['title']}: {name}")


class Dashboard(unittest.TestCase):
    def setUp(self):
        self.board = queries.dashboard()

    def test_can_be_imported(self):
        self.assertIsNone(self.board["id"])
        self.assertRegex(self.board["uid"], r"^[a-z0-9-]{1,40}$")
        self.assertGreaterEqual(self.board["schemaVersion"], 36, "Grafana 9")
        variables = {v["name"]: v for v in self.board["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        self.assertEqual(variables["datasource"]["query"], "prometheus")
        wanted = re.fullmatch(r"label_values\((\w+), (\w+)\)", variables["function"]["query"]["query"])
        self.assertIn(wanted[2], queries.documented()[wanted[1]][1])

    def test_every_query_uses_the_data_source_that_was_chosen(self):
        for panel in self.board["panels"]:
            for target in panel.get("targets", []):
                self.assertEqual(target["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])

    def test_annotations_are_written_for_old_and_new_grafana(self):
        # Up to version 11 Grafana reads expr and step, later ones read target.
        for annotation in self.board["annotations"]["list"]:
            if not annotation.get("builtIn"):
                target = annotation["target"]
                self.assertEqual((target["expr"], target["interval"]), (annotation["expr"], annotation["step"]))
                self.assertEqual(annotation["datasource"], {"type": "prometheus", "uid": "${datasource}"})
                # Over a day Grafana asks every quarter of an hour: shorter windows would miss what was between.
                self.assertEqual(re.findall(r"\[([^\]]+)\]", target["expr"]), ["$__rate_interval"])

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        ids = [panel["id"] for panel in self.board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = {}
        for panel in self.board["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} on {taken.get((x, y))}")
                    taken[x, y] = panel["title"]

    def test_targets_of_a_panel_have_letters_of_their_own(self):
        for panel in self.board["panels"]:
            refs = [target["refId"] for target in panel.get("targets", [])]
            self.assertEqual(len(refs), len(set(refs)), panel["title"])

    def test_shows_what_it_promises(self):
        text = "\n".join(query for _, query in queries.panel_queries())
        for name in ("invocations_total", "duration_seconds_bucket", "memory_peak_bytes", "memory_limit_bytes",
                     "cold_starts_total", "oom_kills_total", "timeouts_total", "events_lost_total",
                     "agent_cpu_seconds_total"):
            self.assertIn(name, text)
        marks = [a for a in self.board["annotations"]["list"] if "autotune_outcomes_total" in a.get("expr", "")]
        self.assertTrue(marks, "changes are marked")


class Alerts(unittest.TestCase):
    def setUp(self):
        self.rules = (queries.PROMETHEUS / "autotune.rules.yml").read_text()
        self.tests = (queries.PROMETHEUS / "autotune.rules.test.yml").read_text()
        self.alerts = re.split(r"^  - alert: ", self.rules, flags=re.M)[1:]

    def test_each_says_how_bad_what_and_what_to_do(self):
        for alert in self.alerts:
            name = alert.split("\n")[0]
            self.assertRegex(alert, r"severity: (info|warning|critical)\n", name)
            for annotation in ("summary:", "description:", "runbook:"):
                self.assertIn(annotation, alert, name)

    def test_each_has_a_test(self):
        for alert in self.alerts:
            self.assertIn(alert.split("\n")[0], self.tests)

    def test_are_all_there(self):
        names = {alert.split("\n")[0] for alert in self.alerts}
        self.assertLessEqual({"AutotuneFunctionOOM", "AutotuneFunctionTimeouts", "AutotuneCanaryHeld",
                              "AutotuneEventsLost", "AutotuneAgentDown"}, names)


if __name__ == "__main__":
    unittest.main()

"""What stories of remedies around functions share: a function, a rule that puts one around it, and callers until it is decided."""
import concurrent.futures
import json
import statistics
import threading
import time

import harness

RULES = """
version: 1
defaults: {{mode: apply, cooldown: 10m, window: 1m}}
guardrails: {{blast_radius: {{max_canary_weight: 0.5}}}}
rules:
- name: the-rule
  when: {when}
  plan: [{plan}]
  canary: {{weight: 0.5, alpha: {alpha}, error_margin: {margin}, horizon: 3m, on_hold: revert}}
"""

class Prices:
    """A service that takes its time, and says how long its answers are good for."""
    def __init__(self):
        self.asked = 0

    def __call__(self, path):
        self.asked += 1
        time.sleep(0.15)
        return json.dumps({"price": 100 + int(path.rsplit("/", 1)[1])}).encode()


def data(path):
    """What a function asks for, near to one region and far from the other."""
    if path == "/far":
        time.sleep(0.1)  # so far that no busy machine makes near of it
    return b"ok"


class RemedyStory(harness.Story):
    runtime, file, handler = "python3.11", "handler.py", "autotune_remedy.handler"  # of functions, and the wrapper's

    def begin(self, code, when, plan, timeout="10s", environment="", alpha=0.2, margin=0.1):
        folder = harness.write_function(self.folder / "functions", "shop", code, timeout=timeout, runtime=self.runtime)
        (folder / "handler.py").rename(folder / self.file)
        if environment:
            (folder / "function.yaml").write_text((folder / "function.yaml").read_text() + environment)
        rules = self.folder / "rules.yaml"
        rules.write_text(RULES.format(when=when, plan=plan, alpha=alpha, margin=margin))
        checked = harness.run("rules", "check", rules)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))
        self.agent = self.stack.enter_context(harness.running(
            harness.Agent(rules, self.host, self.folder / "state", "--budget", "off")))  # what it gives up is another story
        self.agent.wait_ready()

    def median_s(self, qualifier, event):
        """Of some calls, the first left out: it may begin a sandbox. The canary's p95 says little: the first calls of each
        sandbox, which find out, are more than one in twenty."""
        times = []
        for _ in range(16):
            begin = time.monotonic()
            self.host.invoke("shop", event, qualifier=qualifier)
            times.append(time.monotonic() - begin)
        return statistics.median(times[1:])

    def until_answered_in(self, region):
        """Calls until they go there; each sandbox finds out for itself, a slow one later, and looks at others now and then."""
        answers = []

        def settled():
            answers.append(self.host.invoke("shop", {}).json())
            return answers[-12:].count(region) > 10
        harness.wait_for(f"calls to go to {region}", settled, 120, 0)

    def change(self):
        rows = harness.history(self.folder / "state")
        return rows[0] if rows else None

    def until_closed(self, events, seconds=150, callers=3):
        """Calls the function with these, over and over, until a change of it has ended."""
        deadline, events = time.monotonic() + seconds, list(events)
        closed = threading.Event()

        def caller(number):
            for n in range(number, 10 ** 9, callers):
                if closed.is_set() or time.monotonic() > deadline:
                    return
                self.host.invoke("shop", events[n % len(events)])

        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            calling = [pool.submit(caller, n) for n in range(callers)]
            try:
                harness.wait_for("the change to end", lambda: (self.change() or {}).get("step") == "closed", seconds, 0.2)
            except AssertionError as problem:
                raise AssertionError(f"{problem}\n{self.change()}\n{self.agent.output()[-3000:]}") from problem
            finally:
                closed.set()
            for future in calling:
                future.result()
        return self.change()

    def expect_promoted(self, change, remedy):
        self.assertEqual(change["disposition"], "promoted", json.dumps(change, indent=1) + self.agent.output()[-3000:])
        configuration = self.host.configuration("shop")
        self.assertEqual(configuration["Handler"], self.handler)
        told = json.loads(configuration["Environment"]["Variables"]["AUTOTUNE_REMEDY"])
        self.assertEqual((told["handler"], list(told["remedies"])), ("handler.handler", [remedy]))
        self.assertEqual(self.host.alias("shop")["FunctionVersion"], "2")
        layers = self.host.request("GET", "/2018-10-31/layers").json()["Layers"]
        self.assertEqual(len(layers), 1)
        self.assertEqual(layers[0]["LatestMatchingVersion"]["Version"], 1)
        verified = harness.run("history", "--verify", "--state", self.folder / "state")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        said = harness.run("explain", str(change["id"]), "--state", self.folder / "state").stdout
        self.assertIn("handler handler.handler", said)
        print(f"{remedy}: {change['judged']['pairs']} pairs, p95 {change['judged']['baseline_p95_ms']:.0f} ms → "
              f"{change['judged']['canary_p95_ms']:.0f} ms, failures {change['judged']['baseline_failures']}/"
              f"{change['judged']['baseline_calls']} → {change['judged']['canary_failures']}/{change['judged']['canary_calls']}",
              flush=True)

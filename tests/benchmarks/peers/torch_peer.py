"""q0 and its gradient by nextstat 0.10.1: workspace, channel, sample, yields, repeats."""

import json
import statistics
import sys
import time
from pathlib import Path

import nextstat

_, path, channel, sample, yields, repeats = sys.argv
model = nextstat.HistFactoryModel.from_workspace(Path(path).read_text(encoding="utf-8"))
estimator = nextstat.MaximumLikelihoodEstimator()


def step(number: int) -> tuple[float, list[float]]:
    nominal = [value * (1.0 + 0.01 * number) for value in json.loads(yields)]
    return estimator.q0_like_loss_and_grad_nominal(
        model, channel=channel, sample=sample, nominal=nominal
    )


times = []
first, _ = step(0)
for number in range(int(repeats)):
    start = time.process_time()
    step(number)
    times.append(time.process_time() - start)
print(json.dumps({"q0": first, "seconds": statistics.median(times)}))

"""Trains, in a small way, with MLflow's own client: `training_client.py URL TOKEN EXPERIMENT RUNS EPOCHS [asked]`.

Each run fits a line to a few noisy points by gradient descent, with a learning rate, a momentum and a seed of its own, and logs its loss after every
epoch as a training script does. With `asked` it waits before each epoch for a line on standard input, of which it says on standard output
that it is next, and when it began to log it, in milliseconds. At last it prints all that it logged, as JSON.
"""

import json
import os
import random
import sys
import time

url, token, experiment, runs, epochs = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
asked = sys.argv[6:] == ["asked"]
os.environ["MLFLOW_TRACKING_TOKEN"] = token

import mlflow  # noqa: E402

mlflow.set_tracking_uri(url)
parent = mlflow.set_experiment(experiment).experiment_id
logged = []
for number in range(runs):
    dice = random.Random(number)
    rate, momentum = [0.02, 0.05, 0.1][number % 3], [0.0, 0.5][number % 2]
    points = [(x / 10, 3 * x / 10 + 1 + dice.gauss(0, 0.1)) for x in range(20)]
    slope = offset = along = up = 0.0
    with mlflow.start_run(run_name=f"fit-{number:02}") as run:
        mlflow.log_params({"rate": rate, "momentum": momentum, "seed": number})
        losses = []
        for epoch in range(epochs):
            wrong = [(x, slope * x + offset - y) for x, y in points]
            losses.append(sum(e * e for _, e in wrong) / len(wrong))
            if asked:
                print(json.dumps({"next": epoch, "run": run.info.run_id}), flush=True)
                sys.stdin.readline()
                print(json.dumps({"at": time.time() * 1000}), flush=True)
            mlflow.log_metric("loss", losses[-1], step=epoch)
            along = momentum * along - rate * 2 * sum(e * x for x, e in wrong) / len(wrong)
            up = momentum * up - rate * 2 * sum(e for _, e in wrong) / len(wrong)
            slope, offset = slope + along, offset + up
        logged.append({"run": run.info.run_id, "name": f"fit-{number:02}", "rate": str(rate), "losses": losses})
print(json.dumps({"experiment": parent, "runs": logged}))

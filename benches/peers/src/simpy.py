"""Hold with SimPy callbacks: `simpy.py PENDING WARM_UP EVENTS`. Prints events, processor seconds, 0."""

import random
import sys
import time

import simpy

pending, warm_up, events = (int(word) for word in sys.argv[1:])
env = simpy.Environment()
draw = random.Random(42).expovariate


def tick(_):
    env.timeout(draw(1.0)).callbacks.append(tick)


for _ in range(pending):
    tick(None)
for _ in range(warm_up):
    env.step()
begun = time.process_time()
for _ in range(events):
    env.step()
print(events, time.process_time() - begun, 0)

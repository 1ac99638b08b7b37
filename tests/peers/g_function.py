"""g-functions of pygfunction, which the plant's own are held against.

Reads one JSON object a line: {"at": [[x, y], ...], "depth": m, "buried": m, "radius": m,
"diffusivity": m2/s, "days": [...]}; answers each with one JSON list.
"""

import json
import sys

import numpy as np
import pygfunction as gt

DAY = 86400.0

for line in sys.stdin:
    asked = json.loads(line)
    field = gt.borefield.Borefield.from_boreholes(
        [
            gt.boreholes.Borehole(asked["depth"], asked["buried"], asked["radius"], x, y)
            for x, y in asked["at"]
        ]
    )
    days = np.array(asked["days"])
    # Steps of a tenth in ln t: on the wanted days alone, g of large fields comes out 2 % low.
    time = np.exp(np.arange(np.log(days[0] / 2), np.log(days[-1]) + 0.2, 0.1)) * DAY
    g = gt.gfunction.gFunction(
        field,
        asked["diffusivity"],
        time=time,
        boundary_condition="UBWT",
        method="equivalent" if len(asked["at"]) > 1 else "similarities",
    ).gFunc
    print(json.dumps(np.interp(np.log(days * DAY), np.log(time), g).tolist()), flush=True)

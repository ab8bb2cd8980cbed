"""Pharmacy: prescriptions with several items, co-payments, product data, patients and their allergies; snake_case.
The candidate lacks the register of opioids (ATC N02A), the private payment of pink prescriptions after 28 days, the
consultation of patients with two or more allergies, the rounding up of half cents in co-payments, the cold chain
(storage code C), and the withheld codeine cough medicine of children (rare)."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "pharmacy_dispensing", "prescriptions, co-payments and products of a pharmacy"
NOISE = [{"path": "body.dispense_id", "kind": "generated id"}, {"path": "body.logged_at", "kind": "timestamp"},
         {"path": "body.till.no", "kind": "sequence"}, {"path": "body.till.drawer", "kind": "random enum"},
         {"path": "body.stock.reach", "kind": "float jitter"}, {"path": "body.fetched", "kind": "epoch"},
         {"path": "body.leaflets", "kind": "unordered array"}, {"path": "body.leaflets[]", "kind": "unordered array"}]
S = "POST /dispensings"
RULES = [
    {"id": "R1", "kind": "prefix in a nested element", "endpoint": S, "title": "opioids go into the narcotics register",
     "terms": [{"field": "body.items[].atc", "op": "prefix", "value": "N02A"}]},
    {"id": "R2", "kind": "enum, threshold on a number of days", "endpoint": S, "title": "the fund pays pink prescriptions for 28 days only",
     "terms": [{"field": "body.rx_type", "op": "==", "value": "pink"}, {"field": "resp.body.rx_age_days", "op": ">", "value": 28}]},
    {"id": "R3", "kind": "rare, nested prefix and age", "endpoint": S, "title": "no codeine for children under twelve",
     "terms": [{"field": "body.items[].atc", "op": "prefix", "value": "R05DA"}, {"field": "body.patient.age", "op": "<", "value": 12}]},
    {"id": "R4", "kind": "state of earlier POSTs", "endpoint": S, "title": "two recorded allergies call for a consultation",
     "terms": [{"field": "resp.body.record.allergies", "op": ">=", "value": 2}]},
    {"id": "R5", "kind": "rounding: modulo, range, flag", "endpoint": "POST /copayments", "title": "half a cent of the ten percent is rounded up",
     "terms": [{"field": "body.price_cents", "op": "mod", "value": [10, 5]}, {"field": "body.price_cents", "op": "between", "value": [5000, 10000]},
               {"field": "body.exempt", "op": "==", "value": False}]},
    {"id": "R6", "kind": "enum mapping", "endpoint": "GET /products/{pzn}", "title": "storage code C means cold chain, not cool",
     "terms": [{"field": "resp.body.storage.code", "op": "==", "value": "C"}]},
]
# most frequent first
ATC = ["C07AB02", "A02BC02", "M01AE01", "J01CA04", "C09AA05", "H03AA01", "N02BB02", "R05CB06", "A10BA02", "N02AX02", "R03AC02", "N06AB10",
       "R05DA04", "N02AA01", "C10AA05", "R05DA01", "N02AB03", "S01ED01"]


class App(Base):
    ROUTES = [("POST", "/dispensings", "dispense"), ("POST", "/copayments", "copay"), ("GET", "/products/{pzn}", "product"),
              ("GET", "/patients/{patient_id}", "patient"), ("POST", "/patients/{patient_id}/allergies", "allergy")]

    def init(self):
        self.allergies, self.visits = {}, {}

    def dispense(self, r):
        b, p = r.body, r.body["patient"]
        age = (date.fromisoformat(b["dispensed_on"]) - date.fromisoformat(b["prescribed_on"])).days
        known = len(self.allergies.get(p["id"], ()))
        self.visits[p["id"]] = self.visits.get(p["id"], 0) + 1
        items = []
        for x in b["items"]:
            hold = x["atc"].startswith("R05DA") and p["age"] < 12 and self.has("R3")
            opioid = x["atc"].startswith("N02A") and self.has("R1")
            items.append({"pzn": x["pzn"], "packs": x["packs"], "state": "withheld" if hold else "dispensed",
                          "register": "narcotics" if opioid else "none", "generic": x["aut_idem"] and H(x["pzn"]) % 2 == 0})
        payer = {"pink": "fund", "blue": "private", "green": "private", "yellow": "fund"}[b["rx_type"]]
        if b["rx_type"] == "pink" and age > 28 and self.has("R2"):
            payer = "private"
        return 201, {"rx_no": b["rx_no"], "rx_age_days": age, "payer": payer, "items": items,
                     "record": {"allergies": known, "visits": self.visits[p["id"]]}, "consultation": known >= 2 and self.has("R4"),
                     "dispense_id": self.n.uuid(), "logged_at": self.n.ts(), "till": {"no": self.n.seq(), "drawer": self.n.pick(["l", "r"])},
                     "leaflets": self.n.shuffle(["dosage", "storage", "service"])}

    def copay(self, r):
        b = r.body
        tenth, rest = divmod(b["price_cents"], 10)
        own = tenth + (rest >= 5 if self.has("R5") else rest > 5)
        own = 0 if b["exempt"] else min(max(own, 500), 1000, b["price_cents"])
        return 200, {"copay_cents": own, "fund_cents": b["price_cents"] - own, "receipt": "none" if b["exempt"] else "print",
                     "logged_at": self.n.ts(), "till": {"no": self.n.seq(), "drawer": self.n.pick(["l", "r"])}}

    def product(self, r):
        z = r.params["pzn"]
        if H(z, "out") % 37 == 0:
            return 404, {"error": "out_of_trade"}
        code = pick_h("RRRRRRRRRFFCCL", "store", z)
        text = {"R": "room", "F": "freezer", "C": "cold_chain" if self.has("R6") else "cool", "L": "dark"}[code]
        return 200, {"pzn": z, "maker": pick_h(["hexa", "ratio", "stada", "sano"], z), "storage": {"code": code, "text": text},
                     "packs": [10, 20, 50, 100][:1 + H(z) % 4], "stock": {"units": H(z, "u") % 40, "reach": self.n.jitter(3.5, 1e-8)},
                     "fetched": self.n.epoch()}

    def patient(self, r):
        p = r.params["patient_id"]
        if p[0] != "P":
            return 404, {"error": "no_record"}
        return 200, {"id": p, "allergies": self.allergies.get(p, []), "fund": pick_h(["aok", "tk", "bkk", "dak"], p), "fetched": self.n.epoch()}

    def allergy(self, r):
        p = r.params["patient_id"]
        self.allergies[p] = self.allergies.get(p, []) + [r.body["substance"]]
        return 201, {"recorded": len(self.allergies[p]), "severity": r.body["severity"], "logged_at": self.n.ts()}


def sessions(rng):
    pzn = lambda: "%08d" % (1100000 + zipf(rng, range(1, 400), .6) * 7919 % 8000000)
    k = 0
    while True:
        k += 1
        pid, out = "P%06d" % (k * 31), []
        age = rng.randint(0, 17) if rng.random() < .1 else int(rng.triangular(18, 96, 68))
        exempt, courier = rng.random() < (.9 if age < 18 else .22), rng.random() < .15
        h = {"x-till": "t%d" % rng.randint(1, 5), "x-staff": "s%02d" % rng.randrange(25)}
        if rng.random() < .45:
            out.append(rq("GET", "/patients/" + (pid if rng.random() < .95 else "Q" + pid)))
        sensitive = rng.random() < .17
        for s in rng.sample(["penicillin", "latex", "ibuprofen", "iodine", "lactose"], zipf(rng, [1, 2, 3, 4], .9)) if sensitive else ():
            out.append(rq("POST", "/patients/%s/allergies" % pid, {"substance": s, "severity": wpick(rng, mild=60, severe=30, unknown=10),
                                                                   "source": wpick(rng, patient=70, doctor=30)}))
        for j in range(rng.choices([1, 2, 3, 4], [40, 32, 18, 10])[0]):
            for _ in range(zipf(rng, [0, 1, 2], .9)):
                out.append(rq("GET", "/products/" + pzn(), query={"view": "full"} if rng.random() < .3 else None))
            day = date(2025, 9, 1) + timedelta(rng.randrange(90))
            items = [{"pzn": pzn(), "atc": zipf(rng, ATC, .75), "packs": zipf(rng, [1, 2, 3], 1.8), "aut_idem": rng.random() < .75}
                     for _ in range(rng.choices([1, 2, 3], [62, 27, 11])[0])]
            lag = int(rng.expovariate(1 / 6)) if rng.random() < .93 else rng.randint(20, 80)
            b = {"rx_no": "RX%d%02d" % (300000 + k, j), "patient": {"id": pid, "age": age}, "items": items,
                 "rx_type": wpick(rng, pink=76, blue=13, green=8, yellow=3), "prescribed_on": (day - timedelta(lag)).isoformat(),
                 "dispensed_on": day.isoformat(), "prescriber": {"no": "%09d" % rng.randrange(10 ** 9), "field": zipf(rng, ["gp", "internal", "ortho", "ent"])}}
            if courier:
                b["courier"] = {"slot": zipf(rng, ["evening", "noon"]), "zip": "88%03d" % rng.randrange(999)}
            out.append(rq("POST", "/dispensings", b, headers=h))
            for x in items[:2] if rng.random() < .6 else ():
                price = logn(rng, 4200, .8, 150, 90000) // 10 * 10 + rng.choices([0, 1, 3, 5, 8, 9], [14, 9, 12, 30, 14, 21])[0]
                out.append(rq("POST", "/copayments", {"pzn": x["pzn"], "price_cents": price, "exempt": exempt, "age": age, "packs": x["packs"],
                                                      "fund": pick_h(["aok", "tk", "bkk", "dak"], pid)}, headers=h))
        yield out

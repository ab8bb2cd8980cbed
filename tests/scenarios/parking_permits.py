"""Parking permits of a city: applications per zone, visitor cards, checks on the street, street lists; snake_case.
The candidate lacks the surcharge for long cars with an engine, the omitted emission check of historic plates (...H),
the summer surcharge of the lake zones, the free Saturday evening, the yearly quota of visitor days (409), and the
pending state of company cars without a letter of the employer (rare, 202)."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "parking_permits", "resident parking permits, visitor cards and checks"
NOISE = [{"path": "body.file_no", "kind": "generated id"}, {"path": "body.stamp.at", "kind": "timestamp"},
         {"path": "body.stamp.serial", "kind": "sequence"}, {"path": "body.occupancy", "kind": "float jitter"},
         {"path": "body.printer", "kind": "random enum"}, {"path": "body.notices", "kind": "unordered array"},
         {"path": "body.notices[]", "kind": "unordered array"}, {"path": "headers.x-trace-id", "kind": "generated id"}]
A, C = "POST /zones/{zone}/permits", "POST /checks"
RULES = [
    {"id": "R1", "kind": "threshold and enum", "endpoint": A, "title": "cars over 4.70 m pay more unless electric",
     "terms": [{"field": "body.vehicle.length_cm", "op": ">", "value": 470}, {"field": "body.vehicle.fuel", "op": "!=", "value": "electric"}]},
    {"id": "R2", "kind": "suffix of a code, field missing in the answer", "endpoint": A, "title": "historic plates have no emission check",
     "terms": [{"field": "body.vehicle.plate", "op": "suffix", "value": "H"}]},
    {"id": "R3", "kind": "season and prefix of a path parameter", "endpoint": A, "title": "lake zones cost more from May to September",
     "terms": [{"field": "path.zone", "op": "prefix", "value": "L"}, {"field": "body.valid_from|month", "op": "between", "value": [5, 9]}]},
    {"id": "R4", "kind": "weekday and hour", "endpoint": C, "title": "parking is free on Saturdays from 16:00",
     "terms": [{"field": "body.at|dow", "op": "==", "value": 5}, {"field": "body.at|hour", "op": ">=", "value": 16}]},
    {"id": "R5", "kind": "state of earlier POSTs, odd threshold, status", "endpoint": "POST /permits/{permit_no}/visitor-cards",
     "title": "17 visitor days a year per permit", "terms": [{"field": "resp.body.days_requested", "op": ">", "value": 17}]},
    {"id": "R6", "kind": "rare, enum and missing field, status", "endpoint": A, "title": "company cars need a letter of the employer",
     "terms": [{"field": "body.vehicle.owner", "op": "==", "value": "company"}, {"field": "body.employer_letter", "op": "missing"}]},
]
FEE = {"A": 1280, "B": 940, "C": 760, "L": 1120, "M": 1530}


class App(Base):
    ROUTES = [("POST", "/zones/{zone}/permits", "apply"), ("GET", "/permits/{permit_no}", "show"), ("GET", "/zones/{zone}/streets", "streets"),
              ("POST", "/permits/{permit_no}/visitor-cards", "visitor"), ("POST", "/checks", "check")]

    def init(self):
        self.permit, self.plates, self.days = {}, {}, {}

    def stamp(self):
        return {"at": self.n.ts(), "serial": self.n.seq()}

    def apply(self, r):
        b, car, zone = r.body, r.body["vehicle"], r.params["zone"]
        start = date.fromisoformat(b["valid_from"])
        fee = FEE[zone[0]] * b["months"]
        if car["length_cm"] > 470 and car["fuel"] != "electric" and self.has("R1"):
            fee = fee * 130 // 100
        season = 1900 if zone[0] == "L" and 5 <= start.month <= 9 and self.has("R3") else 0
        wait = car["owner"] == "company" and not b.get("employer_letter") and self.has("R6")
        end = (start + timedelta(30 * b["months"])).isoformat()
        self.permit[b["permit_no"]], self.plates[car["plate"]] = (zone, end), zone
        out = {"permit_no": b["permit_no"], "zone": zone, "fee_cents": fee, "season_cents": season, "valid_to": end,
               "state": "pending" if wait else "issued", "holder": {"district": pick_h(["old town", "west", "harbour"], b["resident"]["street"])},
               "file_no": self.n.uuid(), "stamp": self.stamp(), "printer": self.n.pick(["p1", "p2", "p3"]),
               "notices": self.n.shuffle(["cleaning", "market", "events"])}
        if not (car["plate"].endswith("H") and self.has("R2")):
            out["emission_check"] = {"badge": {"diesel": "yellow", "electric": "blue"}.get(car["fuel"], "green"), "interval_months": 24}
        return 202 if wait else 201, out, {"x-trace-id": self.n.uuid()}

    def show(self, r):
        p = self.permit.get(r.params["permit_no"])
        if p is None:
            return 404, {"error": "no_such_permit"}
        return 200, {"permit_no": r.params["permit_no"], "zone": p[0], "valid_to": p[1], "file_no": self.n.uuid()}, {"x-trace-id": self.n.uuid()}

    def streets(self, r):
        z = r.params["zone"]
        if z[0] not in FEE:
            return 404, {"error": "no_such_zone"}
        return 200, {"zone": z, "streets": [{"name": "s%03d" % (H(z, i) % 500), "bays": 8 + H(z, i, "bays") % 60} for i in range(4)],
                     "occupancy": self.n.jitter(.4 + H(z) % 50 / 100, 1e-8)}

    def visitor(self, r):
        no, b = r.params["permit_no"], r.body
        if b["days"] > 5:
            return 422, {"error": "at_most_five_days"}
        self.days[no] = self.days.get(no, 0) + b["days"]  # refused requests count as well
        if self.days[no] > 17 and self.has("R5"):
            return 409, {"error": "quota_exhausted", "days_requested": self.days[no]}
        return 201, {"from": b["from"], "fee_cents": 250 * b["days"], "days_requested": self.days[no], "file_no": self.n.uuid(), "stamp": self.stamp()}

    def check(self, r):
        b = r.body
        day, hour = date.fromisoformat(b["at"][:10]).weekday(), int(b["at"][11:13])
        if day == 5 and hour >= 16 and self.has("R4"):
            res = "not_enforced"
        else:
            res = "valid" if self.plates.get(b["plate"]) == b["zone"] else "fine"
        return 200, {"plate": b["plate"], "result": res, "fine_cents": {"fine": 2500}.get(res, 0), "tow": False,
                     "patrol": {"team": pick_h(["t1", "t2", "t3"], b["device"])}, "stamp": self.stamp(), "printer": self.n.pick(["m1", "m2"])}


def plate(rng, end=""):
    return "%s-%s %d%s" % (zipf(rng, ["FN", "RV", "KN", "LI", "UL"], 1.4), "".join(rng.choices("ABCDEKLMPRSTX", k=2)), rng.randrange(10, 9999), end)


def sessions(rng):
    k = 0
    while True:
        k += 1
        zone, out = wpick(rng, A1=21, A2=14, B1=18, B2=9, B4=6, C1=8, C3=5, L1=9, L2=5, M1=5), []
        first = None
        if rng.random() < .3:
            out.append(rq("GET", "/zones/%s/streets" % (zone if rng.random() < .94 else "Z" + zone)))
        for j in range(rng.choices([1, 2], [82, 18])[0]):
            fuel = wpick(rng, petrol=50, diesel=26, electric=14, hybrid=10)
            old = fuel in ("petrol", "diesel") and rng.random() < .085
            car = {"plate": plate(rng, "E" if fuel == "electric" else "H" if old else ""), "fuel": fuel, "length_cm": int(rng.gauss(445, 34)),
                   "weight_kg": logn(rng, 1480, .2, 800, 3400, 10), "owner": wpick(rng, self=78, company=11, family=11)}
            day = date(2025, rng.choices(range(1, 13), [14, 8, 8, 9, 8, 8, 7, 6, 11, 9, 6, 6])[0], rng.choice([1, 1, 1, 15, 3, 9, 20, 27]))
            b = {"permit_no": "P%06d%d" % (k * 17 % 10 ** 6, j), "vehicle": car, "valid_from": day.isoformat(),
                 "months": rng.choices([12, 24, 6, 1], [58, 18, 14, 10])[0], "language": wpick(rng, de=85, en=10, tr=5),
                 "resident": {"street": "s%03d" % rng.randrange(500), "since": "20%02d-%02d" % (rng.randrange(5, 25), rng.randint(1, 12)),
                              "household": zipf(rng, [1, 2, 3, 4, 5], .8)}}
            if car["owner"] == "company" and rng.random() < .87 or rng.random() < .02:
                b["employer_letter"] = {"firm": "f%04d" % rng.randrange(9999), "dated": "2025-01-%02d" % rng.randint(1, 28)}
            if rng.random() < .06:
                b["disabled_badge"] = "BD%05d" % rng.randrange(99999)
            first = first or b
            out.append(rq("POST", "/zones/%s/permits" % zone, b, headers={"x-counter": wpick(rng, online=70, desk=22, post=8)}))
            if rng.random() < .3:
                out.append(rq("GET", "/permits/" + (b["permit_no"] if rng.random() < .92 else "P0000000")))
        for _ in range(zipf(rng, range(9), .5) if rng.random() < .5 else 0):
            out.append(rq("POST", "/permits/%s/visitor-cards" % first["permit_no"], {
                "from": "2025-%02d-%02d" % (rng.randint(1, 12), rng.randint(1, 28)), "days": rng.choices([1, 2, 3, 4, 5, 7], [30, 24, 16, 8, 18, 4])[0],
                "plate": plate(rng), "reason": zipf(rng, ["family", "craftsman", "care", "other"])}))
        for _ in range(rng.choices([0, 1, 2, 3], [22, 30, 28, 20])[0]):
            at = date(2025, 6, 2) + timedelta(7 * rng.randrange(8) + rng.choices(range(7), [14, 15, 15, 15, 17, 19, 5])[0])
            hour = rng.choices(range(7, 23), [3, 5, 8, 9, 9, 8, 7, 7, 7, 8, 8, 7, 6, 4, 3, 1])[0]
            mine = rng.random() < .7
            out.append(rq("POST", "/checks", {"plate": first["vehicle"]["plate"] if mine else plate(rng), "device": "d%02d" % rng.randrange(30),
                                              "zone": zone if rng.random() < .9 else zipf(rng, ["A1", "B1", "M1"]),
                                              "at": "%sT%02d:%02d:%02d" % (at, hour, rng.randrange(60), rng.randrange(60)),
                                              "position": {"lat": round(47.6 + rng.random() / 9, 5), "lon": round(9.4 + rng.random() / 9, 5)}}))
        yield out

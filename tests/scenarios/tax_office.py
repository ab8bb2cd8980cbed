"""Income tax office: master data, yearly returns with expenses and allowances, deadline extensions, notices.
The candidate lacks the 8% church tax of BY and BW, the postal grace days for paper returns, the rounding of the
party donation credit in the payer's favour, granted extensions, the travel allowance from degree 70 with mark G
(rare), and the cap of 210 home office days in the list of expenses."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "tax_office", "income tax returns, extensions and notices"
NOISE = [{"path": "body.file_ref", "kind": "generated id"}, {"path": "body.notice.no", "kind": "sequence"},
         {"path": "body.notice.issued_at", "kind": "timestamp"}, {"path": "body.saved_at", "kind": "timestamp"},
         {"path": "body.risk", "kind": "float jitter"}, {"path": "body.queue", "kind": "random enum"},
         {"path": "body.checks", "kind": "unordered array"}, {"path": "body.checks[]", "kind": "unordered array"}]
RET = "POST /taxpayers/{tax_no}/returns"
RULES = [
    {"id": "R1", "kind": "sets of values, answer field", "endpoint": RET, "title": "church tax is 8 percent in BY and BW",
     "terms": [{"field": "body.personal.state", "op": "in", "value": ["BY", "BW"]},
               {"field": "body.personal.confession", "op": "in", "value": ["rk", "ev"]},
               {"field": "resp.body.tax_cents", "op": ">", "value": 0}]},
    {"id": "R2", "kind": "date range, enum, missing field", "endpoint": RET, "title": "paper returns have ten days of grace",
     "terms": [{"field": "body.form", "op": "==", "value": "paper"}, {"field": "body.advisor", "op": "missing"},
               {"field": "body.filed_on", "op": "between", "value": ["2025-08-01", "2025-08-10"]}]},
    {"id": "R3", "kind": "rounding, modulo", "endpoint": RET, "title": "half of a party donation is rounded up",
     "terms": [{"field": "body.deductions.party_donation", "op": "mod", "value": [2, 1]}]},
    {"id": "R4", "kind": "state of an earlier POST, date", "endpoint": RET, "title": "a granted extension lifts the surcharge",
     "terms": [{"field": "resp.body.extension", "op": "==", "value": True},
               {"field": "body.filed_on", "op": "between", "value": ["2025-08-01", "2025-10-31"]}]},
    {"id": "R5", "kind": "rare conjunction", "endpoint": RET, "title": "travel allowance from degree 70 with mark G",
     "terms": [{"field": "body.personal.disability.degree", "op": "==", "value": 70},
               {"field": "body.personal.disability.mark", "op": "==", "value": "G"}]},
    {"id": "R6", "kind": "threshold in a nested element", "endpoint": RET, "title": "home office counts for 210 days at most",
     "terms": [{"field": "body.expenses[].days", "op": ">", "value": 210}]},
]
STATES = dict(NW=22, BY=16, BW=13, NI=10, HE=8, RP=5, SN=6, BE=6, SH=4, HH=4, TH=3, MV=3)


class App(Base):
    ROUTES = [("PUT", "/taxpayers/{tax_no}", "master"), ("POST", "/taxpayers/{tax_no}/returns", "assess"),
              ("POST", "/taxpayers/{tax_no}/extensions", "extend"), ("GET", "/taxpayers/{tax_no}/assessments/{year}", "notice"),
              ("PATCH", "/taxpayers/{tax_no}/bank", "bank"), ("GET", "/rates/{year}", "rates")]

    def init(self):
        self.until, self.done = {}, {}

    def master(self, r):
        return 200, {"tax_no": r.params["tax_no"], "state": r.body["state"], "saved_at": self.n.ts(),
                     "office": pick_h(["north", "south", "centre"], r.params["tax_no"])}

    def extend(self, r):
        if r.body["reason"] not in ("illness", "abroad", "records_missing"):
            return 422, {"error": "reason_not_accepted", "reason": r.body["reason"]}
        self.until[r.params["tax_no"]] = "2025-10-31"
        return 201, {"granted_until": "2025-10-31", "file_ref": self.n.uuid()}

    def assess(self, r):
        b, no = r.body, r.params["tax_no"]
        p, inc, ded = b["personal"], b["income"], b["deductions"]
        if min(inc.values()) < 0:
            return 422, {"error": "loss_needs_form_v"}
        lines = []
        for e in b["expenses"]:
            if e["kind"] == "home_office":
                ok = 6 * (min(e["days"], 210) if self.has("R6") else e["days"])
            elif e["kind"] == "commute":
                ok = 66 * min(e["km"], 20) + 83 * max(e["km"] - 20, 0)
            else:
                ok = e["amount"]
            lines.append({"kind": e["kind"], "accepted": ok, "proof": e["kind"] == "training" and ok > 400})
        dis = p.get("disability") or {"degree": 0}
        eased = dis["degree"] >= 80 or (dis["degree"] >= 70 and dis.get("mark") == "G" and self.has("R5"))
        travel = 900 if eased else 0
        taxable = max(0, sum(inc.values()) - max(1230, sum(x["accepted"] for x in lines)) - travel - ded["insurance"]
                      - ded.get("donations", 0) - 4800 * p["children"])
        base = max(0, taxable - (23208 if p["marital"] == "married" else 11604))
        tax = min(base, 5400) * 19 + min(max(base - 5400, 0), 49000) * 31 + max(base - 54400, 0) * 42
        low = p["state"] in ("BY", "BW") and self.has("R1")
        church = tax * (8 if low else 9) // 100 if p["confession"] in ("rk", "ev") else 0
        given = ded.get("party_donation", 0)
        credit = (given + 1) // 2 if self.has("R3") else given // 2
        due = "2026-04-30" if b.get("advisor") else "2025-07-31"
        if b["form"] == "paper" and due < "2026" and self.has("R2"):
            due = "2025-08-10"
        if no in self.until and self.has("R4"):
            due = max(due, self.until[no])
        late = 2500 * max(1, int(b["filed_on"][5:7]) - 7) if b["filed_on"] > due else 0
        res = {"year": b["year"], "taxable": taxable, "tax_cents": tax, "church_cents": church, "party_credit": credit,
               "travel_allowance": travel, "late_surcharge_cents": late, "extension": no in self.until, "expenses": lines}
        self.done[no, str(b["year"])] = res
        return 201, dict(res, file_ref=self.n.uuid(), notice={"no": self.n.seq(), "issued_at": self.n.ts()},
                         queue=self.n.pick(["q1", "q2", "q5"]), risk=self.n.jitter(.2 + H(no) % 50 / 100, 1e-8),
                         checks=self.n.shuffle(["identity", "bank", "wages", "pension"]))

    def notice(self, r):
        d = self.done.get((r.params["tax_no"], r.params["year"]))
        if d is None:
            return 404, {"error": "not_assessed"}
        return 200, {"year": d["year"], "total_cents": d["tax_cents"] + d["church_cents"] + d["late_surcharge_cents"], "file_ref": self.n.uuid()}

    def bank(self, r):
        if not r.body["iban"].startswith("DE"):
            return 422, {"error": "domestic_account_only"}
        return 200, {"tail": r.body["iban"][-4:], "saved_at": self.n.ts()}

    def rates(self, r):
        y = int(r.params["year"])
        return 200, {"year": y, "basic_allowance": 9744 + 620 * max(0, y - 2021), "brackets": [{"from": 0, "rate": 19}, {"from": 5400, "rate": 31}]}


def sessions(rng):
    k = 0
    while True:
        k += 1
        st, no = wpick(rng, **STATES), "%02d-%03d-%05d" % (rng.randrange(10, 40), rng.randrange(100, 999), k)
        out, t, south = [], "/taxpayers/" + no, st in ("BY", "BW", "RP")
        who = {"state": st, "confession": wpick(rng, none=38, rk=44, ev=12, jd=6) if south else wpick(rng, none=56, rk=16, ev=24, jd=4),
               "birth_year": int(rng.triangular(1940, 2005, 1978)), "children": rng.choices([0, 1, 2, 3], [58, 20, 17, 5])[0],
               "marital": wpick(rng, single=55, married=38, widowed=7), "occupation": rng.randrange(1100, 9700)}
        if rng.random() < .14:
            who["disability"] = {"degree": rng.choices([20, 30, 40, 50, 60, 70, 80, 90, 100], [9, 13, 12, 24, 9, 20, 8, 3, 7])[0]}
            mark = zipf(rng, ["", "G", "aG", "B", "H"], .7)
            if mark:
                who["disability"]["mark"] = mark
        advisor, form, ext = rng.random() < .26, wpick(rng, online=52, paper=33, app=15), False
        if rng.random() < .6:
            out.append(rq("PUT", t, {"state": st, "marital": who["marital"], "phone": "0%d" % rng.randrange(10 ** 8, 10 ** 9)}))
        if not advisor and rng.random() < .17:
            why = wpick(rng, illness=35, records_missing=30, abroad=15, holiday=12, workload=8)
            ext = why in ("illness", "abroad", "records_missing")
            out.append(rq("POST", t + "/extensions", {"reason": why, "asked_on": "2025-07-%02d" % rng.randint(3, 31)}))
        if rng.random() < .3:
            out.append(rq("GET", "/rates/%d" % rng.choice([2022, 2023, 2024, 2024])))
        for year in rng.choice([[2024], [2024], [2024], [2023, 2024], [2022, 2023]]):
            day = date(2025, 8, 14) + timedelta(rng.randrange(96)) if ext else date(2025, 8, 1) + timedelta(
                int(rng.triangular(-150, 4, -4)) if rng.random() < .6 else min(int(rng.expovariate(1 / 16)), 140))
            ex = [{"kind": "commute", "km": logn(rng, 17, .8, 1, 140)}] if rng.random() < .65 else []
            if rng.random() < .42:
                ex.append({"kind": "home_office", "days": rng.choice([20, 48, 96, 110, 150, 180, 200, 209, 210, 211, 215, 220, 228])})
            if rng.random() < .3:
                ex.append({"kind": rng.choice(["training", "tools", "phone"]), "amount": logn(rng, 280, .7, 20, 3000)})
            rng.shuffle(ex)
            ded = {"insurance": logn(rng, 2300, .4, 300, 6000)}
            if rng.random() < .45:
                ded["donations"] = logn(rng, 110, .9, 5, 5000)
            if rng.random() < .17:
                ded["party_donation"] = rng.choice([20, 24, 25, 35, 36, 50, 60, 75, 99, 100, 120, 150, 240])
            b = {"year": year, "filed_on": day.isoformat(), "form": form, "personal": who, "deductions": ded, "expenses": ex,
                 "income": {"wages": logn(rng, 43000, .55, 4000, 260000), "capital": logn(rng, 60, 1.4, 0, 9000),
                            "rent": zipf(rng, [0, 2400, 6100, 9000], 2)}, "language": wpick(rng, de=88, en=8, tr=4),
                 "software": form + "-%d.%d" % (rng.randint(3, 5), rng.randrange(4))}
            if rng.random() < .02:
                b["income"]["rent"] = -1800
            if advisor:
                b["advisor"] = {"chamber_no": rng.randrange(10000, 99999), "kind": rng.choice(["advisor", "association"])}
            out.append(rq("POST", t + "/returns", b))
            if rng.random() < .45:
                out.append(rq("GET", t + "/assessments/%d" % rng.choice([year, year, year, 2021])))
        if rng.random() < .25:
            out.append(rq("PATCH", t + "/bank", {"iban": wpick(rng, DE=90, AT=6, FR=4) + "%020d" % rng.randrange(10 ** 18)}))
        yield out

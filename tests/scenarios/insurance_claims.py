"""Motor and home insurance: claims, invoices with lines, reserves, premium status; PascalCase bodies of an old API.
The candidate lacks the clerks' reserve limit (403), the waiting period of natural perils (422), the review of round
sums without a receipt, the doubled deductible from the third claim of a policy, the reduced marten cover of old
vehicles (rare), and the exclusion of wear parts among the invoice lines."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "insurance_claims", "insurance claims, invoices and reserves"
NOISE = [{"path": "body.FileId", "kind": "generated id"}, {"path": "body.CreatedAt", "kind": "timestamp"},
         {"path": "body.Journal", "kind": "sequence"}, {"path": "body.FraudScore", "kind": "float jitter"},
         {"path": "body.Handler.Desk", "kind": "random enum"}, {"path": "body.Documents", "kind": "unordered array"},
         {"path": "body.Documents[]", "kind": "unordered array"}]
N = "POST /policies/{PolicyNo}/claims"
RULES = [
    {"id": "R1", "kind": "threshold, header, status", "endpoint": "PATCH /claims/{ClaimNo}", "title": "clerks reserve up to 25000.00 only",
     "terms": [{"field": "header.x-role", "op": "==", "value": "clerk"}, {"field": "body.ReserveCents", "op": ">", "value": 2500000}]},
    {"id": "R2", "kind": "set of values, answer field, status", "endpoint": N, "title": "natural perils wait for 90 days",
     "terms": [{"field": "body.Peril", "op": "in", "value": ["flood", "landslide", "backwater"]}, {"field": "resp.body.PolicyAgeDays",
             "op": "<", "value": 90}]},
    {"id": "R3", "kind": "modulo and missing field", "endpoint": N, "title": "round sums without a receipt are reviewed",
     "terms": [{"field": "body.AmountCents", "op": "mod", "value": [100000, 0]}, {"field": "body.ReceiptNo", "op": "missing"},
               {"field": "resp.status", "op": "==", "value": 201}]},
    {"id": "R4", "kind": "state of earlier POSTs", "endpoint": N, "title": "the deductible doubles from the third claim",
     "terms": [{"field": "resp.body.ClaimCount", "op": ">=", "value": 3}]},
    {"id": "R5", "kind": "rare conjunction", "endpoint": N, "title": "marten damage of vehicles from ten years is halved",
     "terms": [{"field": "body.Peril", "op": "==", "value": "marten"}, {"field": "body.Vehicle.Age", "op": ">=", "value": 10}]},
    {"id": "R6", "kind": "prefix in a nested element", "endpoint": "POST /claims/{ClaimNo}/invoices", "title": "wear parts are not paid",
     "terms": [{"field": "body.Lines[].Code", "op": "prefix", "value": "WR"}]},
]
NATURAL = ("flood", "landslide", "backwater")


class App(Base):
    ROUTES = [("POST", "/policies/{PolicyNo}/claims", "notify"), ("GET", "/policies/{PolicyNo}", "policy"), ("GET", "/claims/{ClaimNo}",
            "show"), ("PATCH", "/claims/{ClaimNo}", "reserve"), ("POST", "/claims/{ClaimNo}/invoices", "invoice"),
              ("PUT", "/policies/{PolicyNo}/premium", "premium"), ("GET", "/workshops", "shops")]

    def init(self):
        self.count, self.claim, self.overdue = {}, {}, {}

    def start(self, no):
        return date(2025, 1, 10) - timedelta(H(no) % 30 * (H(no, "x") % 30 + 1))

    def notify(self, r):
        b, no = r.body, r.params["PolicyNo"]
        age = (date.fromisoformat(b["LossDate"]) - self.start(no)).days
        if age < 0:
            return 422, {"Error": "NotInsured"}
        if self.overdue.get(no):
            return 402, {"Error": "PremiumOverdue"}
        self.count[no] = self.count.get(no, 0) + 1
        if b["Peril"] in NATURAL and age < 90 and self.has("R2"):
            return 422, {"Error": "WaitingPeriod", "PolicyAgeDays": age}
        own = 30000 if b["Peril"] in NATURAL else 15000
        if self.count[no] >= 3 and self.has("R4"):
            own *= 2
        pay = min(max(b["AmountCents"] - own, 0), 9000000)
        if b["Peril"] == "marten" and b["Vehicle"]["Age"] >= 10 and self.has("R5"):
            pay //= 2
        odd = b["AmountCents"] % 100000 == 0 and not b.get("ReceiptNo") and self.has("R3")
        self.claim[b["ClaimNo"]] = pay
        return 201, {"ClaimNo": b["ClaimNo"], "PolicyAgeDays": age, "ClaimCount": self.count[no], "DeductibleCents": own,
                     "PayoutCents": pay, "Review": "siu" if odd else "expert" if b["AmountCents"] > 2000000 else "none",
                     "FileId": self.n.uuid(), "CreatedAt": self.n.ts(), "Journal": self.n.seq(),
                     "FraudScore": self.n.jitter(.1 + H(b["ClaimNo"]) % 80 / 100, 1e-8),
                     "Handler": {"Team": pick_h(["T1", "T2", "T3"], no), "Desk": self.n.pick(["A", "B", "C"])},
                     "Documents": self.n.shuffle(["form", "photo", "estimate"])}

    def policy(self, r):
        no = r.params["PolicyNo"]
        return 200, {"PolicyNo": no, "Start": self.start(no).isoformat(), "Claims": self.count.get(no, 0),
                     "Tariff": pick_h(["Basis", "Komfort", "Premium"], no, "t"), "Journal": self.n.seq()}

    def show(self, r):
        c = self.claim.get(r.params["ClaimNo"])
        return (200, {"State": "open" if c else "closed", "PayoutCents": c,
                      "Documents": self.n.shuffle(["form", "photo", "estimate"])}) if c is not None else (404, {"Error": "NoClaim"})

    def reserve(self, r):
        b = r.body
        if b["ReserveCents"] < 0:
            return 422, {"Error": "NegativeReserve"}
        if r.headers.get("x-role") == "clerk" and b["ReserveCents"] > 2500000 and self.has("R1"):
            return 403, {"Error": "ApprovalNeeded", "Limit": 2500000}
        return 200, {"ReserveCents": b["ReserveCents"], "Band": "high" if b["ReserveCents"] > 1000000 else "low", "CreatedAt": self.n.ts()}

    def invoice(self, r):
        out = []
        for x in r.body["Lines"]:
            ok = 0 if x["Code"].startswith("WR") and self.has("R6") else x["NetCents"]
            out.append({"Code": x["Code"], "ApprovedCents": ok, "Vat": x["NetCents"] * 19 // 100})
        return 201, {"Lines": out, "ApprovedCents": sum(x["ApprovedCents"] for x in out), "FileId": self.n.uuid(),
                     "Handler": {"Team": "T9", "Desk": self.n.pick(["A", "B", "C"])}}

    def premium(self, r):
        self.overdue[r.params["PolicyNo"]] = r.body["Status"] == "overdue"
        return 200, {"Status": r.body["Status"], "CreatedAt": self.n.ts()}

    def shops(self, r):
        z = r.query["zip"]
        return 200, {"Zip": z, "Shops": [{"Id": H(z, i) % 5000, "Km": 1 + H(z, i, "k") % 40} for i in range(3)]}


def sessions(rng):
    k = 0
    while True:
        k += 1
        no, out, motor = "V%d.%04d-%s" % (1000000 + k * 11, rng.randrange(9999), rng.choice("KHW")), [], rng.random() < .62
        age, region = min(24, int(rng.expovariate(1 / 6))), zipf(rng, ["NW", "BY", "SN", "HE", "RP", "HH"], .8)
        role = wpick(rng, clerk=62, senior=25, lead=13)
        if rng.random() < .35:
            out.append(rq("GET", "/policies/" + no))
        if rng.random() < .12:
            out.append(rq("PUT", "/policies/%s/premium" % no, {"Status": wpick(rng, paid=70, overdue=30),
                                                               "DueCents": logn(rng, 31000, .4, 6000, 120000)}))
        for j in range(rng.choices([1, 2, 3, 4, 5], [52, 28, 12, 5, 3])[0]):
            peril = wpick(rng, collision=38, glass=22, theft=11, marten=6, hail=9, flood=8, storm=6) if motor else wpick(
                rng, water=28, flood=19, fire=9, backwater=16, storm=14, theft=6, landslide=8)
            amt = rng.choice([1, 1, 2, 2, 3, 4, 5, 8, 10, 15]) * 100000 if rng.random() < .2 else logn(
                rng, 260000 if motor else 420000, .9, 16000, 12000000)
            day = date(2025, 1, 10) + timedelta(int(rng.triangular(-6, 170, 40)))
            b = {"ClaimNo": "CL-%06d-%d" % (k, j), "Peril": peril, "LossDate": day.isoformat(), "AmountCents": amt, "Region": region,
                 "Zip": "%05d" % (10000 + H(region, k) % 80000), "ReportedVia": wpick(rng, app=45, phone=35, broker=20),
                 "Injured": zipf(rng, [0, 1, 2], 2.4), "Police": peril == "theft" or rng.random() < .2,
                 "Witness": {"Known": rng.random() < .3, "Count": rng.randrange(3)},
                 "Vehicle": {"Age": age if motor else 0, "Class": zipf(rng, ["compact", "van", "suv"])}}
            if rng.random() < .64:
                b["ReceiptNo"] = "B%d" % rng.randrange(10 ** 6, 10 ** 7)
            if rng.random() < .3:
                b["BrokerNo"] = rng.randrange(100, 190)
            out.append(rq("POST", "/policies/%s/claims" % no, b, headers={"x-role": role, "x-tenant": "motor" if motor else "home"}))
            c = "/claims/" + b["ClaimNo"]
            if rng.random() < .22:
                out.append(rq("GET", c))
            if rng.random() < .42:
                out.append(rq("PATCH", c, {"ReserveCents": max(-5, amt * rng.choice([1, 2, 3, 5, 9]) + rng.randrange(-20000, 90000)),
                                           "Reason": zipf(rng, ["initial", "expert", "lawyer"]),
                                           "Diary": "2025-07-%02d" % rng.randint(1, 31)}, headers={"x-role": role}))
            if rng.random() < .3:
                ln = [{"Code": wpick(rng, PT=45, LB=35, WR=7, PA=9, WA=4) + "-%03d" % rng.randrange(999),
                       "NetCents": logn(rng, 14000, .9, 900, 400000), "Qty": zipf(rng, [1, 2, 4])} for _ in range(rng.randint(1, 6))]
                out.append(rq("POST", c + "/invoices", {"InvoiceNo": rng.randrange(10 ** 6), "Workshop": zipf(rng, range(20, 60), .6),
                                                        "Lines": ln, "Paid": rng.random() < .2}))
        if rng.random() < .2:
            out.append(rq("GET", "/workshops", query={"zip": "%05d" % rng.randrange(1000, 99999), "radius": rng.choice([10, 25, 50])}))
        yield out

"""Pawnbroker: valuations of precious metal, pledges, redemptions and customer records; camelCase, cents and grams.
The candidate lacks the assay fee for gold below 2.35 g, the discount on unstamped metal from fineness 750, the serial
number duty for electronics (422), the higher rate of class D customers, the free half of the interest on the 31st,
and the deferred handover to a proxy without a mandate (rare)."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "pawnshop", "valuations, pledges and redemptions of a pawnbroker"
NOISE = [{"path": "body.deskRef", "kind": "generated id"}, {"path": "body.bookedAt", "kind": "timestamp"},
         {"path": "body.journalNo", "kind": "sequence"}, {"path": "body.metal.spotCentsPerGram", "kind": "float jitter"},
         {"path": "body.vault.shelf", "kind": "random enum"}, {"path": "body.attachments", "kind": "unordered array"},
         {"path": "body.attachments[]", "kind": "unordered array"}]
V, P, D = "POST /valuations", "POST /pledges", "POST /pledges/{ticketNo}/redemptions"
RULES = [
    {"id": "R1", "kind": "odd threshold and enum", "endpoint": V, "title": "gold below 2.35 g pays an assay fee",
     "terms": [{"field": "body.material", "op": "==", "value": "gold"}, {"field": "body.weightGrams", "op": "<", "value": 2.35}]},
    {"id": "R2", "kind": "missing field and threshold", "endpoint": V, "title": "metal from 750 without a hallmark is discounted",
     "terms": [{"field": "body.hallmark", "op": "missing"}, {"field": "body.fineness", "op": ">=", "value": 750}]},
    {"id": "R3", "kind": "set of values, missing field, status", "endpoint": P, "title": "electronics need a serial number",
     "terms": [{"field": "body.item.category", "op": "in", "value": ["phone", "laptop", "camera"]},
               {"field": "body.item.serialNo", "op": "missing"}]},
    {"id": "R4", "kind": "state of the customer (seen by GET), factor", "endpoint": P, "title": "customers of class D pay 1.5 percent a month",
     "terms": [{"field": "resp.body.customerClass", "op": "==", "value": "D"}]},
    {"id": "R5", "kind": "month end", "endpoint": D, "title": "on the 31st half of the interest is waived",
     "terms": [{"field": "body.redeemedOn|day", "op": "==", "value": 31}]},
    {"id": "R6", "kind": "rare, present and missing field", "endpoint": D, "title": "a proxy without a mandate waits for the goods",
     "terms": [{"field": "body.proxy.name", "op": "present"}, {"field": "body.proxy.mandateNo", "op": "missing"}]},
]
SPOT = {"gold": 8420, "silver": 94, "platinum": 3110}


class App(Base):
    ROUTES = [("POST", "/valuations", "value"), ("POST", "/pledges", "pledge"), ("GET", "/pledges/{ticketNo}", "show"),
              ("POST", "/pledges/{ticketNo}/redemptions", "redeem"), ("GET", "/customers/{customerId}", "customer"),
              ("GET", "/branches/{branch}/hours", "hours")]

    def init(self):
        self.tickets, self.visits = {}, {}

    @staticmethod
    def grade(customer):
        return pick_h("AAAABBBBCCD", "class", customer)

    def value(self, r):
        b = r.body
        cents = int(round(b["weightGrams"] * 100)) * b["fineness"] * SPOT[b["material"]] // 100000
        if not b.get("hallmark") and b["fineness"] >= 750 and self.has("R2"):
            cents = cents * 85 // 100
        fee = 450 if b["material"] == "gold" and b["weightGrams"] < 2.35 and self.has("R1") else 0
        return 200, {"material": b["material"], "metalValueCents": cents, "assayFeeCents": fee, "stonesCents": 1500 * len(b["stones"]),
                     "metal": {"carat": b["fineness"] * 24 // 1000, "spotCentsPerGram": self.n.jitter(SPOT[b["material"]] * 1.0003, 1e-7)},
                     "deskRef": self.n.id("v"), "bookedAt": self.n.ts()}

    def pledge(self, r):
        b, item, who = r.body, r.body["item"], r.body["customerId"]
        self.visits[who] = self.visits.get(who, 0) + 1
        self.tickets[b["ticketNo"]] = b  # the number is used up even if the pledge is refused
        if item["category"] in ("phone", "laptop", "camera") and not item.get("serialNo") and self.has("R3"):
            return 422, {"error": "serialNumberRequired", "category": item["category"]}
        rate = 15 if self.grade(who) == "D" and self.has("R4") else 10
        due = date.fromisoformat(b["pledgedOn"]) + timedelta(30 * b["termMonths"] + 30)
        return 201, {"ticketNo": b["ticketNo"], "customerClass": self.grade(who), "monthlyFeeCents": b["loanCents"] * rate // 1000,
                     "storageCents": {"vehicle": 4500, "instrument": 600}.get(item["category"], 150), "auctionFrom": due.isoformat(),
                     "vault": {"site": pick_h(["cellar", "annex"], b["ticketNo"]), "shelf": self.n.pick(["a", "b", "c", "d"])},
                     "deskRef": self.n.id("p"), "journalNo": self.n.seq(), "bookedAt": self.n.ts(),
                     "attachments": self.n.shuffle(["contract", "photo", "idCopy"])}

    def show(self, r):
        b = self.tickets.get(r.params["ticketNo"])
        if b is None:
            return 404, {"error": "unknownTicket"}
        return 200, {"ticketNo": b["ticketNo"], "category": b["item"]["category"], "loanCents": b["loanCents"], "deskRef": self.n.id("q")}

    def redeem(self, r):
        b = r.body
        interest = b["loanCents"] * 10 * b["months"] // 1000
        if b["redeemedOn"].endswith("-31") and self.has("R5"):
            interest //= 2
        px = b.get("proxy")
        wait = px is not None and not px.get("mandateNo") and self.has("R6")
        return 200, {"loanCents": b["loanCents"], "interestCents": interest, "totalCents": b["loanCents"] + interest,
                     "change": "none" if b["method"] == "card" else "drawer", "handover": "deferred" if wait else "now",
                     "journalNo": self.n.seq(), "bookedAt": self.n.ts(), "attachments": self.n.shuffle(["receipt", "ticket"])}

    def customer(self, r):
        c = r.params["customerId"]
        if c.startswith("X"):
            return 404, {"error": "unknownCustomer"}
        return 200, {"customerId": c, "class": self.grade(c), "visits": self.visits.get(c, 0), "newsletter": H(c) % 3 == 0, "deskRef": self.n.id("c")}

    def hours(self, r):
        return 200, {"branch": r.params["branch"], "days": [{"day": d, "from": "09:30", "to": "18:00"} for d in ("mon", "tue", "wed", "thu", "fri")],
                     "bookedAt": self.n.ts()}


def sessions(rng):
    k = 0
    while True:
        k += 1
        who, branch, out = "K%06d" % (40000 + k * 13), zipf(rng, ["b01", "b04", "b07", "b11", "b12"], .7), []
        h = {"x-branch": branch, "x-clerk": "c%02d" % rng.randrange(40)}
        if rng.random() < .15:
            out.append(rq("GET", "/branches/%s/hours" % branch))
        if rng.random() < .6:
            out.append(rq("GET", "/customers/" + (who if rng.random() < .96 else "X" + who)))
        for _ in range(rng.choices([0, 1, 2, 3], [25, 38, 25, 12])[0]):
            m = wpick(rng, gold=72, silver=22, platinum=6)
            b = {"material": m, "fineness": zipf(rng, {"gold": [585, 750, 333, 375, 916, 999], "silver": [925, 800, 835, 999], "platinum": [950]}[m]),
                 "weightGrams": round(min(max(rng.lognormvariate(1.6 if m == "gold" else 3, .95), .6), 400), 2), "condition": zipf(rng, ["worn", "good", "mint"]),
                 "stones": [zipf(rng, ["zirconia", "diamond", "ruby"]) for _ in range(zipf(rng, [0, 1, 2, 3], 1.5))]}
            if rng.random() < .84:
                b["hallmark"] = zipf(rng, ["crown", "lion", "eagle", "maker"])
            out.append(rq("POST", "/valuations", b, headers=h))
        for j in range(rng.choices([0, 1, 2, 3], [8, 60, 24, 8])[0]):
            cat = zipf(rng, ["jewellery", "watch", "phone", "laptop", "instrument", "camera", "vehicle"], .9)
            item = {"category": cat, "condition": zipf(rng, ["good", "worn", "mint"]), "text": cat + " %d" % rng.randrange(99)}
            if rng.random() < (.8 if cat in ("phone", "laptop", "camera") else .35):
                item["serialNo"] = "%s-%06d" % (rng.choice(["SN", "IM", "F"]), rng.randrange(10 ** 6))
            loan = logn(rng, 60000 if cat == "vehicle" else 14000, .9, 2000, 900000, 500)
            day = date(2025, 3, 1) + timedelta(rng.randrange(60))
            no = "T%d-%d" % (880000 + k, j)
            out.append(rq("POST", "/pledges", {"ticketNo": no, "customerId": who, "item": item, "loanCents": loan, "pledgedOn": day.isoformat(),
                                               "termMonths": rng.choices([3, 4, 6], [70, 18, 12])[0], "payout": wpick(rng, cash=80, transfer=20)}, headers=h))
            if rng.random() < .2:
                out.append(rq("GET", "/pledges/" + (no if rng.random() < .9 else "T1" + no)))
            if rng.random() < .62:
                d = rng.choices(range(1, 32), [5, 3, 3] + [2] * 24 + [3, 4, 4, 5])[0]
                b = {"redeemedOn": "2025-%02d-%02d" % (rng.choice([5, 7, 8]), d), "loanCents": loan, "months": zipf(rng, [3, 2, 4, 1, 5, 6], .8),
                     "method": wpick(rng, cash=62, card=38), "idDoc": wpick(rng, card=75, passport=20, permit=5)}
                if rng.random() < .08:
                    b["proxy"] = {"name": zipf(rng, ["Adam", "Berg", "Cerny", "Demir"]), "kin": rng.random() < .6}
                    if rng.random() < .84:
                        b["proxy"]["mandateNo"] = "M%05d" % rng.randrange(99999)
                out.append(rq("POST", "/pledges/%s/redemptions" % no, b, headers=h))
        if out:
            yield out

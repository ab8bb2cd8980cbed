"""Bank transfers: single payments, batches, standing orders, account blocks; nested camelCase bodies and UUIDs.
The candidate lacks the early cut-off on Fridays, two countries of the sanctions list, the reporting duty at exactly
12500 abroad (>= against >), the block of an account, the OUR fee on the swift route (rare), and the masking of
salaries in the items of a batch without bulk booking."""
from datetime import date, datetime, timedelta
from bench import Base, rq, zipf, wpick, logn, H

NAME, TITLE = "bank_transfers", "transfers, batches and account blocks"
NOISE = [{"path": "body.bankRef", "kind": "generated id"}, {"path": "body.audit.bookedAt", "kind": "timestamp"},
         {"path": "body.audit.journal", "kind": "sequence"}, {"path": "body.fx.mid", "kind": "float jitter"},
         {"path": "body.screening", "kind": "unordered array"}, {"path": "body.screening[]", "kind": "unordered array"},
         {"path": "body.cluster", "kind": "random enum"}, {"path": "headers.x-journal", "kind": "sequence"}]
P = "POST /payments"
RULES = [
    {"id": "R1", "kind": "weekday, hour range, flag", "endpoint": P, "title": "on Fridays the cut-off is 14:00 instead of 16:00",
     "terms": [{"field": "body.createdAt|dow", "op": "==", "value": 4}, {"field": "body.createdAt|hour", "op": "between", "value": [14, 15]},
               {"field": "body.instant", "op": "==", "value": False}]},
    {"id": "R2", "kind": "prefix in a set, status", "endpoint": P, "title": "no payments to BY and SD accounts",
     "terms": [{"field": "body.creditor.iban", "op": "prefix", "value": ["BY", "SD"]}]},
    {"id": "R3", "kind": "boundary, two fields", "endpoint": P, "title": "payments abroad are reported from 12500, not above it",
     "terms": [{"field": "body.amount.value", "op": "==", "value": 12500}, {"field": "body.creditor.country", "op": "!=", "value": "DE"},
               {"field": "resp.status", "op": "==", "value": 201}]},
    {"id": "R4", "kind": "state of an earlier PUT, status", "endpoint": P, "title": "a blocked account pays nothing",
     "terms": [{"field": "resp.status", "op": "==", "value": 423}]},
    {"id": "R5", "kind": "rare, answer field", "endpoint": P, "title": "OUR costs more on the swift route",
     "terms": [{"field": "body.chargeBearer", "op": "==", "value": "OUR"}, {"field": "resp.body.route", "op": "==", "value": "swift"}]},
    {"id": "R6", "kind": "nested element and flag", "endpoint": "POST /batches", "title": "salaries are masked when items are booked singly",
     "terms": [{"field": "body.bulkBooking", "op": "==", "value": False}, {"field": "body.items[].purpose", "op": "==", "value": "SALA"}]},
]
SEPA = ("DE", "AT", "FR", "NL", "IT", "ES", "CH", "PL")


class App(Base):
    ROUTES = [("POST", "/payments", "pay"), ("GET", "/payments/{paymentId}", "state"), ("PUT", "/accounts/{iban}/block", "block"),
              ("GET", "/accounts/{iban}", "account"), ("POST", "/batches", "batch"), ("POST", "/standing-orders", "standing"),
              ("GET", "/calendar/{day}", "calendar")]

    def init(self):
        self.blocked, self.out, self.seen = {}, {}, {}

    def audit(self):
        return {"bookedAt": self.n.ts(), "journal": self.n.seq()}

    @staticmethod
    def workday(d, n):
        while n or d.weekday() > 4:
            d += timedelta(1)
            n -= n > 0 and d.weekday() < 5
        return d.isoformat()

    def pay(self, r):
        b = r.body
        land, acc, val = b["creditor"]["iban"][:2], b["debtor"]["iban"], b["amount"]["value"]
        if val <= 0:
            return 422, {"error": "invalidAmount"}
        if land in ("RU", "IR") or (land in ("BY", "SD") and self.has("R2")):
            return 403, {"error": "embargo", "screening": self.n.shuffle(["eu", "ofac", "un"])}
        if self.blocked.get(acc) and self.has("R4"):
            return 423, {"error": "accountBlocked", "since": self.blocked[acc]}
        if b["instant"] and val > 100000:
            return 422, {"error": "instantLimit"}
        t = datetime.fromisoformat(b["createdAt"][:19])
        shut = 14 if t.weekday() == 4 and self.has("R1") else 16
        swift = b["amount"]["currency"] != "EUR" or land not in SEPA
        fee = 0 if not swift else 900
        if b["chargeBearer"] == "OUR":
            fee += 2500 if swift and self.has("R5") else 600
        report = b["creditor"]["country"] != "DE" and (val >= 12500 if self.has("R3") else val > 12500)
        self.out[acc] = round(self.out.get(acc, 0) + val, 2)
        self.seen[b["paymentId"]] = "accepted"
        return 201, {"paymentId": b["paymentId"], "route": "swift" if swift else "instant" if b["instant"] else "sct", "feeCents": fee,
                     "valueDate": t.date().isoformat() if b["instant"] else self.workday(t.date(), 1 + (t.hour >= shut)),
                     "reporting": report, "bankRef": self.n.id("br"), "audit": self.audit(),
                     "screening": self.n.shuffle(["eu", "ofac", "un"]), "cluster": self.n.pick(["ffm", "ber"]),
                     "fx": {"mid": self.n.jitter(1.0837, 1e-7), "pair": "EUR" + b["amount"]["currency"]}}, {"x-journal": str(self.n.seq())}

    def state(self, r):
        s = self.seen.get(r.params["paymentId"])
        return (200, {"state": s, "audit": self.audit()}) if s else (404, {"error": "unknownPayment"})

    def block(self, r):
        self.blocked[r.params["iban"]] = r.body["asOf"] if r.body["blocked"] else None
        return 200, {"blocked": r.body["blocked"], "audit": self.audit()}

    def account(self, r):
        i = r.params["iban"]
        return 200, {"iban": i, "openItems": H(i) % 9, "sentTotal": self.out.get(i, 0), "product": ["giro", "business", "basic"][H(i, "p") % 3]}

    def batch(self, r):
        b = r.body
        hide = not b["bulkBooking"] and self.has("R6")
        return 202, {"batchId": b["batchId"], "count": len(b["items"]), "audit": self.audit(),
                     "items": [{"endToEndId": x["endToEndId"], "state": "queued" if x["value"] < 50000 else "review",
                                "text": "***" if hide and x["purpose"] == "SALA" else x["purpose"] + " " + x["endToEndId"]}
                               for x in b["items"]]}

    def standing(self, r):
        if not 1 <= r.body["dayOfMonth"] <= 28:
            return 422, {"error": "dayOutOfRange"}
        return 201, {"firstRun": "2025-10-%02d" % r.body["dayOfMonth"], "bankRef": self.n.id("br")}

    def calendar(self, r):
        return 200, {"day": r.params["day"], "open": date.fromisoformat(r.params["day"]).weekday() < 5, "cluster": self.n.pick(["ffm", "ber"])}


def sessions(rng):
    ident = lambda: "%08x-%04x-4%03x-9%03x-%012x" % tuple(rng.getrandbits(x) for x in (32, 16, 12, 12, 48))
    k = 0
    while True:
        k += 1
        acc, firm, out = "DE%02d50070010%010d" % (rng.randrange(10, 98), k), rng.random() < .35, []
        debtor, h = {"iban": acc, "type": "firm" if firm else "person"}, {
            "x-auth": wpick(rng, push=55, photo=30, sms=15), "x-branch": str(100 + rng.randrange(30))}
        if rng.random() < .25:
            out.append(rq("GET", "/calendar/2025-09-%02d" % rng.randint(1, 28)))
        for j in range(rng.randint(1, 6 if firm else 4)):
            if j and rng.random() < .07:
                out.append(rq("PUT", "/accounts/%s/block" % acc, {
                    "blocked": rng.random() < .75, "asOf": "2025-09-%02d" % rng.randint(1, 28), "reason": zipf(rng, ["lost", "police", "owner"])}))
            land = rng.choices(["DE", "AT", "FR", "NL", "CH", "PL", "GB", "BY", "TR", "RU", "SD", "IR"],
                               [480, 70, 75, 70, 55, 50, 40, 27, 25, 12, 14, 7])[0]
            home = land if rng.random() < .85 else zipf(rng, ["DE", "AT", "PL", "BY", "TR"])
            val = rng.choice([100, 250, 500, 1000, 2500, 5000, 10000, 12500, 12500, 12500, 15000, 25000]) if rng.random() < .36 else round(
                rng.lognormvariate(5.4, 1.6) + .01, 2)
            cur = {"CH": "CHF", "GB": "GBP", "PL": "PLN"}.get(land, "EUR") if rng.random() < .4 else "EUR"
            day = date(2025, 9, 1) + timedelta(7 * rng.randrange(4) + rng.choices(range(7), [20, 15, 14, 16, 25, 7, 3])[0])
            hour = rng.choices(range(5, 24), [1, 2, 4, 6, 7, 8, 9, 8, 7, 9, 10, 8, 6, 5, 4, 3, 2, 1, 1])[0]
            b = {"paymentId": ident(), "debtor": debtor, "creditor": {
                    "iban": land + "%02d%014d" % (rng.randrange(10, 98), rng.randrange(10 ** 14)), "country": home,
                    "name": zipf(rng, ["Muster", "Smith", "Rossi", "Petrov", "Khan", "Dubois"], .6)},
                 "amount": {"value": val, "currency": cur},
                 "createdAt": "%sT%02d:%02d:%02dZ" % (day, hour, rng.randrange(60), rng.randrange(60)),
                 "instant": cur == "EUR" and rng.random() < (.1 if firm else .3), "chargeBearer": wpick(rng, SHA=90, OUR=3.7, BEN=6.3),
                 "remittance": zipf(rng, ["invoice", "rent", "gift", "loan", "order"]) + " %d" % rng.randrange(9999)}
            out.append(rq("POST", "/payments", b, headers=h))
            if rng.random() < .22:
                out.append(rq("GET", "/payments/" + (b["paymentId"] if rng.random() < .9 else ident())))
        if rng.random() < (.7 if firm else .08):
            pay = rng.random() < .5
            items = [{"endToEndId": "E%d-%d" % (k, i), "value": logn(rng, 2100, .8, 20, 90000),
                      "purpose": ("SALA" if rng.random() < .8 else "BONU") if pay else zipf(rng, ["SUPP", "TAXS", "RENT", "INTC"])}
                     for i in range(rng.randint(1, 6))]
            out.append(rq("POST", "/batches", {"batchId": ident(), "bulkBooking": rng.random() < (.5 if pay else .75), "debtor": debtor,
                                               "items": items, "priority": wpick(rng, NORM=80, HIGH=20)}, headers=h))
        if rng.random() < .18:
            out.append(rq("POST", "/standing-orders", {"debtor": debtor, "dayOfMonth": rng.choice([1, 1, 1, 5, 15, 15, 28, 30, 31]),
                                                       "value": logn(rng, 420, .9, 5, 4000)}))
        if rng.random() < .35:
            out.append(rq("GET", "/accounts/" + acc))
        yield out

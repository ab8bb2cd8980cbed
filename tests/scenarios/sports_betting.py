"""Sports betting: slips with several selections, settlements, event lists, self-exclusion; camelCase, odds in thousandths.
The candidate lacks the bonus from five selections, the self-exclusion of an account (403), the reversed order of racing
by odds, the halved odds of a dead heat, the manual payout of wins over 64.50 at the weekend (with a header), and the tax
refund of a single bet with a walkover (rare)."""
from datetime import date, timedelta
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "sports_betting", "betting slips, settlements and event lists"
NOISE = [{"path": "body.receiptId", "kind": "generated id"}, {"path": "body.audit.at", "kind": "epoch"},
         {"path": "body.audit.seq", "kind": "sequence"}, {"path": "body.liquidity", "kind": "float jitter"},
         {"path": "body.shard", "kind": "random enum"}, {"path": "body.limits", "kind": "unordered array"},
         {"path": "body.limits[]", "kind": "unordered array"}, {"path": "headers.etag", "kind": "generated id"}]
B, T = "POST /slips", "POST /slips/{slipId}/settlement"
RULES = [
    {"id": "R1", "kind": "length of an array, status", "endpoint": B, "title": "five or more selections earn a bonus of 8 percent",
     "terms": [{"field": "body.selections|len", "op": ">=", "value": 5}, {"field": "resp.status", "op": "==", "value": 201}]},
    {"id": "R2", "kind": "state of an earlier POST, status", "endpoint": B, "title": "excluded accounts place no bets",
     "terms": [{"field": "resp.body.error", "op": "==", "value": "selfExcluded"}]},
    {"id": "R3", "kind": "order of an array, two query fields", "endpoint": "GET /events", "title": "racing by odds starts with the longest price",
     "terms": [{"field": "query.sport", "op": "==", "value": "racing"}, {"field": "query.sort", "op": "==", "value": "odds"}]},
    {"id": "R4", "kind": "enum in a nested element, factor", "endpoint": T, "title": "a dead heat halves the odds",
     "terms": [{"field": "body.results[].outcome", "op": "==", "value": "deadHeat"}]},
    {"id": "R5", "kind": "weekend, threshold on an answer field, header", "endpoint": T, "title": "wins over 64.50 are paid by hand at weekends",
     "terms": [{"field": "body.settledAt|dow", "op": ">=", "value": 5}, {"field": "resp.body.payoutCents", "op": ">", "value": 6450}]},
    {"id": "R6", "kind": "rare, nested enum and length", "endpoint": T, "title": "a single bet with a walkover gets the tax back",
     "terms": [{"field": "body.results[].outcome", "op": "==", "value": "walkover"}, {"field": "body.results|len", "op": "==", "value": 1}]},
]
SPORTS = ["football", "tennis", "racing", "basketball", "icehockey", "darts"]


class App(Base):
    ROUTES = [("POST", "/slips", "place"), ("GET", "/slips/{slipId}", "show"), ("POST", "/slips/{slipId}/settlement", "settle"),
              ("GET", "/events", "events"), ("POST", "/accounts/{accountId}/exclusions", "exclude"), ("GET", "/accounts/{accountId}", "account")]

    def init(self):
        self.excluded, self.slips = {}, {}

    def audit(self):
        return {"at": self.n.epoch(), "seq": self.n.seq()}

    def place(self, r):
        b, picks = r.body, r.body["selections"]
        self.slips[b["slipId"]] = len(picks)  # every slip that came in is archived, refused ones too
        if b["accountId"] in self.excluded and self.has("R2"):
            return 403, {"error": "selfExcluded", "until": self.excluded[b["accountId"]]}
        if b["stakeCents"] < 100:
            return 422, {"error": "stakeTooLow", "limits": self.n.shuffle(["min", "max", "week"])}
        odds = 1000
        for s in picks:
            odds = odds * s["oddsMilli"] // 1000
        bonus = 8 if len(picks) >= 5 and self.has("R1") else 0
        return 201, {"slipId": b["slipId"], "kind": "single" if len(picks) == 1 else "combi", "totalOddsMilli": odds, "bonusPct": bonus,
                     "taxCents": b["stakeCents"] * 53 // 1000, "receiptId": self.n.uuid(), "audit": self.audit(),
                     "shard": self.n.pick(["s1", "s2", "s3"]), "limits": self.n.shuffle(["min", "max", "week"])}, {"etag": self.n.id("e")}

    def show(self, r):
        n = self.slips.get(r.params["slipId"])
        return (200, {"slipId": r.params["slipId"], "selections": n, "receiptId": self.n.uuid()}) if n else (404, {"error": "unknownSlip"})

    def settle(self, r):
        b, odds, legs = r.body, 1000, []
        for x in b["results"]:
            f = {"won": x["oddsMilli"], "lost": 0, "void": 1000, "walkover": 1000,
                 "deadHeat": x["oddsMilli"] // 2 if self.has("R4") else x["oddsMilli"]}[x["outcome"]]
            odds = odds * f // 1000
            legs.append({"eventId": x["eventId"], "factorMilli": f})
        pay = b["stakeCents"] * odds // 1000
        if len(legs) == 1 and b["results"][0]["outcome"] == "walkover" and self.has("R6"):
            pay += b["stakeCents"] * 53 // 1000
        hand = pay > 6450 and date.fromisoformat(b["settledAt"][:10]).weekday() >= 5 and self.has("R5")
        return 200, {"slipId": r.params["slipId"], "payoutCents": pay, "legs": legs, "payoutMode": "manual" if hand else "auto",
                     "audit": self.audit(), "shard": self.n.pick(["s1", "s2"])}, {"x-review": "weekend" if hand else "none", "etag": self.n.id("e")}

    def events(self, r):
        sport, sort = r.query["sport"], r.query.get("sort", "start")
        if sport not in SPORTS:
            return 404, {"error": "unknownSport"}
        ev = [{"eventId": "%s-%03d" % (sport[:2], H(sport, r.query["day"], i) % 1000), "startsAt": "%sT%02d:00:00" % (r.query["day"], 11 + 2 * i),
               "bestOddsMilli": 1150 + 40 * ((i * 5 + H(sport, r.query["day"])) % 6) + i, "country": pick_h(["DE", "GB", "ES"], sport, i)} for i in range(6)]
        if sort == "odds":
            ev.sort(key=lambda e: e["bestOddsMilli"], reverse=sport == "racing" and self.has("R3"))
        return 200, {"sport": sport, "events": ev, "liquidity": self.n.jitter(12000.5, 1e-8)}, {"etag": self.n.id("e")}

    def exclude(self, r):
        self.excluded[r.params["accountId"]] = r.body["until"]
        return 201, {"until": r.body["until"], "revocable": False, "audit": self.audit()}

    def account(self, r):
        a = r.params["accountId"]
        return 200, {"accountId": a, "tier": pick_h(["basic", "basic", "plus", "vip"], a), "excluded": a in self.excluded, "receiptId": self.n.uuid()}


def sessions(rng):
    k = 0
    while True:
        k += 1
        acc, out, ch = "u%07d" % (k * 41), [], wpick(rng, app=58, web=30, shop=12)
        h = {"x-channel": ch, "x-build": "%d.%d" % (rng.randint(3, 5), rng.randrange(9))}
        fav, rich = zipf(rng, SPORTS, .8), 5 if rng.random() < .1 else 1
        if rng.random() < .3:
            out.append(rq("GET", "/accounts/" + acc))
        for j in range(rng.randint(1, 4)):
            for _ in range(zipf(rng, [0, 1, 2], .7)):
                q = {"sport": fav if rng.random() < .7 else zipf(rng, SPORTS + ["chess"], .6), "day": "2025-10-%02d" % rng.randint(1, 28)}
                if rng.random() < .62:
                    q["sort"] = wpick(rng, odds=66, start=34)
                out.append(rq("GET", "/events", query=q))
            if rng.random() < .045:
                out.append(rq("POST", "/accounts/%s/exclusions" % acc, {"until": "2026-%02d-01" % rng.randint(1, 12),
                                                                             "reason": zipf(rng, ["own", "family", "break"])}))
            picks = [{"eventId": "e%05d" % rng.randrange(99999), "sport": fav if rng.random() < .8 else zipf(rng, SPORTS),
                      "oddsMilli": logn(rng, 1750, .3, 1050, 12000, 10), "market": zipf(rng, ["winner", "total", "handicap", "score"])}
                     for _ in range(rng.choices([1, 2, 3, 4, 5, 6, 8], [50, 13, 13, 10, 6, 5, 3])[0])]
            day = date(2025, 10, 6) + timedelta(7 * rng.randrange(3) + rng.choices(range(7), [8, 11, 15, 10, 14, 24, 18])[0])
            stake = logn(rng, 1200 * rich, 1.0, 50, 200000, 10)
            b = {"slipId": "S%d-%d" % (510000 + k, j), "accountId": acc, "stakeCents": stake, "selections": picks, "currency": wpick(rng, EUR=91, CHF=9),
                 "live": rng.random() < .35, "placedAt": "%sT%02d:%02d:%02d" % (day, min(23, int(rng.triangular(7, 24, 19))), rng.randrange(60), rng.randrange(60))}
            if rng.random() < .12:
                b["promoCode"] = zipf(rng, ["CUP25", "FRIEND", "BOOST10"])
            out.append(rq("POST", "/slips", b, headers=h))
            if rng.random() < .2:
                out.append(rq("GET", "/slips/" + (b["slipId"] if rng.random() < .9 else "S0")))
            if rng.random() < .72:
                end = day + timedelta(zipf(rng, [0, 1, 2], 1.3))
                res = [{"eventId": p["eventId"], "oddsMilli": p["oddsMilli"],
                        "outcome": wpick(rng, won=68, lost=24, void=3.2, deadHeat=2.6, walkover=1.7)} for p in picks]
                out.append(rq("POST", "/slips/%s/settlement" % b["slipId"], {
                    "settledAt": "%sT%02d:%02d:00" % (end, rng.randrange(8, 24), rng.randrange(60)), "stakeCents": stake, "results": res,
                    "source": wpick(rng, feed=92, desk=8)}, headers=h))
        yield out

"""Lottery: tickets with several rows, draws, prize claims, players' own limits; ids are numbers, bodies are flat.
The candidate lacks the later Saturday closing time, the age check of the app (rare), the tax withheld from large
prizes in three countries, a player's own row limit, the bonus draw of every 25th ticket, and the price of sys8 rows."""
from datetime import date, datetime, timedelta
from bench import Base, rq, zipf, wpick, H

NAME, TITLE = "lottery", "lottery tickets, draws and prize claims"
NOISE = [{"path": "body.receiptCode", "kind": "generated id"}, {"path": "body.acceptedAt", "kind": "timestamp"},
         {"path": "body.voucherNo", "kind": "sequence"}, {"path": "body.odds", "kind": "float jitter"},
         {"path": "body.printer", "kind": "random enum"}, {"path": "headers.x-trace", "kind": "generated id"},
         {"path": "body.ballOrder", "kind": "unordered array"}, {"path": "body.ballOrder[]", "kind": "unordered array"}]
T, C = "POST /tickets", "POST /claims"
RULES = [
    {"id": "R1", "kind": "weekday and hour", "endpoint": T, "title": "on Saturdays lotto closes an hour later, at 19:00",
     "terms": [{"field": "body.game", "op": "==", "value": "lotto"}, {"field": "body.submittedAt|dow", "op": "==", "value": 5},
               {"field": "body.submittedAt|hour", "op": "==", "value": 18}]},
    {"id": "R2", "kind": "rare, headers, status", "endpoint": T, "title": "no tickets for minors in the app",
     "terms": [{"field": "header.x-channel", "op": "==", "value": "app"}, {"field": "header.x-player-age", "op": "<", "value": 18}]},
    {"id": "R3", "kind": "set of values, threshold on an answer field", "endpoint": C, "title": "20 percent are withheld above 5000 in ES, IT, PT",
     "terms": [{"field": "body.residence", "op": "in", "value": ["ES", "IT", "PT"]}, {"field": "resp.body.grossCents", "op": ">", "value": 500000}]},
    {"id": "R4", "kind": "state of earlier requests, status", "endpoint": T, "title": "a player's own row limit holds",
     "terms": [{"field": "resp.body.error", "op": "==", "value": "limitReached"}]},
    {"id": "R5", "kind": "modulo", "endpoint": T, "title": "every 25th ticket number joins the bonus draw",
     "terms": [{"field": "body.ticketNo", "op": "mod", "value": [25, 0]}]},
    {"id": "R6", "kind": "enum in a nested element", "endpoint": T, "title": "a sys8 row costs 28 bets",
     "terms": [{"field": "body.rows[].kind", "op": "==", "value": "sys8"}]},
]
DRAWS = {"lotto": (2, 5), "euro": (1, 4), "keno": (0, 1, 2, 3, 4, 5, 6)}
BET = {"lotto": 120, "euro": 200, "keno": 100}
PRIZE = {1: 98765400, 2: 4120000, 3: 860000, 4: 512300, 5: 19900, 6: 5230, 7: 1040, 8: 500}


class App(Base):
    BODY_META = False
    ROUTES = [("POST", "/tickets", "buy"), ("GET", "/tickets/{ticketNo}", "show"), ("POST", "/claims", "claim"),
              ("PUT", "/players/{playerId}/limits", "limit"), ("GET", "/players/{playerId}", "player"), ("GET", "/draws/{drawNo}", "draw")]

    def init(self):
        self.cap, self.used, self.sold, self.paid = {}, {}, {}, set()

    def drawn_on(self, game, t):
        shut = 18 + (game == "lotto" and t.weekday() == 5 and self.has("R1"))
        d = t.date() + timedelta(1 if t.hour >= shut else 0)
        while d.weekday() not in DRAWS[game]:
            d += timedelta(1)
        return d.isoformat()

    def buy(self, r):
        b, h = r.body, r.headers
        ch, age, who = h["x-channel"], int(h.get("x-player-age", 99)), b.get("playerId")
        if age < 18 and (ch == "web" or self.has("R2")):
            return 403, {"error": "underAge"}
        rows = self.used.get(who, 0) + len(b["rows"]) if who else 0
        if who in self.cap and rows > self.cap[who] and self.has("R4"):
            return 403, {"error": "limitReached", "maxRows": self.cap[who]}
        self.used[who] = rows
        lines = []
        for i, x in enumerate(b["rows"]):
            bets = {"normal": 1, "sys7": 7, "sys8": 28 if self.has("R6") else 1}[x["kind"]]
            lines.append({"pos": i + 1, "kind": x["kind"], "priceCents": bets * BET[b["game"]] * b["weeks"]})
        self.sold[b["ticketNo"]] = (b["game"], b["weeks"])
        return 201, {"ticketNo": b["ticketNo"], "drawDate": self.drawn_on(b["game"], datetime.fromisoformat(b["submittedAt"])),
                     "lines": lines, "feeCents": 60 if ch == "shop" else 35, "bonusDraw": b["ticketNo"] % 25 == 0 and self.has("R5"),
                     "receiptCode": self.n.id("r"), "acceptedAt": self.n.ts(),
                     "printer": self.n.pick(["p1", "p2", "p3"])}, {"x-trace": self.n.uuid()}

    def show(self, r):
        t = self.sold.get(int(r.params["ticketNo"]))
        return (200, {"game": t[0], "weeksLeft": t[1], "receiptCode": self.n.id("r")}) if t else (404, {"error": "unknownTicket"})

    def claim(self, r):
        b = r.body
        if b["ticketNo"] in self.paid:
            return 409, {"error": "alreadyPaid"}
        if b["prizeClass"] not in PRIZE:
            return 422, {"error": "noPrize"}
        self.paid.add(b["ticketNo"])
        gross = PRIZE[b["prizeClass"]] // 100 * (70 + H(b["drawNo"]) % 60)
        tax = gross // 5 if gross > 500000 and b["residence"] in ("ES", "IT", "PT") and self.has("R3") else 0
        return 200, {"grossCents": gross, "taxCents": tax, "netCents": gross - tax, "tier": "major" if b["prizeClass"] < 4 else "minor",
                     "voucherNo": self.n.seq(), "acceptedAt": self.n.ts()}

    def limit(self, r):
        self.cap[int(r.params["playerId"])] = r.body["maxRows"]
        return 200, {"maxRows": r.body["maxRows"], "effective": "now", "acceptedAt": self.n.ts()}

    def player(self, r):
        p = int(r.params["playerId"])
        return 200, {"playerId": p, "rowsThisWeek": self.used.get(p, 0), "limited": p in self.cap, "odds": self.n.jitter(1 / 139838160, 1e-7)}

    def draw(self, r):
        w = [H(r.params["drawNo"], i) % 49 + 1 for i in range(6)]
        return 200, {"drawNo": int(r.params["drawNo"]), "numbers": sorted(w), "ballOrder": self.n.shuffle(w)}, {"x-trace": self.n.uuid()}


def sessions(rng):
    k = 0
    while True:
        k += 1
        out, ch, adult = [], wpick(rng, shop=38, web=32, app=30), rng.random() > .021
        who, land = 300000 + k * 7, zipf(rng, ["DE", "ES", "AT", "IT", "FR", "PT", "NL"], .7)
        h = {"x-channel": ch, "x-region": "%02d" % rng.randrange(1, 17)}
        if ch == "shop":
            h["x-terminal"] = "T-%04d" % zipf(rng, range(1000, 1400), .6)
        else:
            h["x-player-age"] = str(int(rng.triangular(18, 84, 41)) if adult else rng.randint(14, 17))
        game = zipf(rng, ["lotto", "euro", "keno"], 1.2)
        if ch != "shop" and rng.random() < .4:
            out.append(rq("PUT", "/players/%d/limits" % who, {"maxRows": rng.choice([4, 6, 8, 10, 20]), "period": "week",
                                                              "reason": zipf(rng, ["own", "advice"])}))
        for j in range(rng.randint(1, 4)):
            day = date(2025, 5, 5) + timedelta(7 * rng.randrange(4) + rng.choices(range(7), [9, 13, 14, 9, 16, 36, 3])[0])
            hour = rng.choices(range(6, 23), [1, 2, 3, 5, 6, 7, 7, 6, 6, 7, 9, 13, 17, 8, 4, 2, 1])[0]
            rows = []
            for _ in range(rng.choices([1, 2, 3, 4, 6], [30, 25, 18, 15, 12])[0]):
                kind = wpick(rng, normal=92, sys7=5, sys8=3) if game != "keno" else "normal"
                rows.append({"kind": kind, "numbers": sorted(rng.sample(range(1, 50), {"normal": 6, "sys7": 7, "sys8": 8}[kind])),
                             "quick": rng.random() < .4})
            b = {"ticketNo": 5000000 + k * 64 + rng.randrange(8) * 8 + j, "game": game, "weeks": zipf(rng, [1, 2, 4, 5, 8, 26], 1.6),
                 "rows": rows, "submittedAt": "%sT%02d:%02d:%02d" % (day, hour, rng.randrange(60), rng.randrange(60)),
                 "superDigit": rng.randrange(10), "campaign": zipf(rng, ["none", "spring", "friend", "tv"], 1.4),
                 "payMethod": "cash" if ch == "shop" else wpick(rng, card=50, debit=35, wallet=15)}
            if ch != "shop":
                b["playerId"] = who
            out.append(rq("POST", "/tickets", b, headers=h))
            if rng.random() < .2:
                out.append(rq("GET", "/tickets/%d" % (b["ticketNo"] + (rng.random() < .1))))
            if rng.random() < .5:
                c = {"ticketNo": b["ticketNo"], "drawNo": 2025000 + rng.randrange(40),
                     "prizeClass": rng.choices(range(1, 10), [2, 7, 13, 12, 12, 18, 18, 14, 4])[0], "residence": land,
                     "payout": "cash" if ch == "shop" else "bank", "idChecked": rng.random() < .7, "language": land.lower()}
                out += [rq("POST", "/claims", c, headers={"x-channel": ch})] * (1 + (rng.random() < .07))
        if ch != "shop" and rng.random() < .4:
            out.append(rq("GET", "/players/%d" % who))
        if rng.random() < .4:
            out.append(rq("GET", "/draws/%d" % (2025000 + rng.randrange(40))))
        yield out

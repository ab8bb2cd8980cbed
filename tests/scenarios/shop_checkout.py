"""Web shop: carts, products, checkouts with vouchers, shipping and VAT per line, order changes; snake_case, SKUs.
The candidate lacks the French VAT rate for press lines, the minimum order of NEW- vouchers, the tax-free Canary
Islands (rare), the single use of ONCE- vouchers, the low stock mark at exactly 3, and the rounding to 5 in CH (hard)."""
from bench import Base, rq, zipf, wpick, logn, pick_h, H

NAME, TITLE = "shop_checkout", "carts, vouchers, shipping and VAT"
NOISE = [{"path": "body.receipt_id", "kind": "generated id"}, {"path": "body.pick_no", "kind": "sequence"},
         {"path": "body.placed_at", "kind": "epoch"}, {"path": "body.warehouse.slot", "kind": "random enum"},
         {"path": "body.score", "kind": "float jitter"}, {"path": "body.also_bought", "kind": "unordered array"},
         {"path": "body.also_bought[]", "kind": "unordered array"}, {"path": "headers.etag", "kind": "generated id"}]
C, G = "POST /checkouts", "GET /products/{sku}"
RULES = [
    {"id": "R1", "kind": "country and nested element", "endpoint": C, "title": "press is taxed at 2.1 percent in France",
     "terms": [{"field": "body.ship_to.country", "op": "==", "value": "FR"}, {"field": "body.lines[].group", "op": "==", "value": "press"}]},
    {"id": "R2", "kind": "prefix, answer field, status", "endpoint": C, "title": "NEW- vouchers need an order of 30.00",
     "terms": [{"field": "body.voucher", "op": "prefix", "value": "NEW-"}, {"field": "resp.body.subtotal_cents", "op": "<", "value": 3000}]},
    {"id": "R3", "kind": "rare, prefix and country, header", "endpoint": C, "title": "no VAT on the Canary Islands",
     "terms": [{"field": "body.ship_to.country", "op": "==", "value": "ES"}, {"field": "body.ship_to.zip", "op": "prefix", "value": ["35", "38"]}]},
    {"id": "R4", "kind": "state of an earlier POST", "endpoint": C, "title": "a ONCE- voucher counts once",
     "terms": [{"field": "resp.body.voucher_state", "op": "==", "value": "spent"}]},
    {"id": "R5", "kind": "boundary on an answer field", "endpoint": G, "title": "a stock of 3 is low as well",
     "terms": [{"field": "resp.body.stock", "op": "==", "value": 3}]},
    {"id": "R6", "kind": "rounding", "hard": True, "endpoint": C, "title": "totals in Swiss francs are rounded to 5",
     "terms": [{"field": "body.ship_to.country", "op": "==", "value": "CH"}]},
]
RATES = {"DE": (190, 70), "FR": (200, 55), "ES": (210, 40), "AT": (200, 100), "CH": (81, 26), "NL": (210, 90)}
SHIP = {"DE": 490, "AT": 690, "FR": 890, "ES": 990, "NL": 590, "CH": 1290}


class App(Base):
    ROUTES = [("PUT", "/carts/{cart_id}", "put_cart"), ("GET", "/carts/{cart_id}", "get_cart"), ("GET", "/products/{sku}", "product"),
              ("POST", "/checkouts", "checkout"), ("PATCH", "/orders/{order_no}", "change"), ("POST", "/shipping-quotes", "quote")]

    def init(self):
        self.cart, self.spent, self.order = {}, set(), {}

    def put_cart(self, r):
        n = sum(x["qty"] for x in r.body["lines"])
        self.cart[r.params["cart_id"]] = n
        return 200, {"cart_id": r.params["cart_id"], "pieces": n, "score": self.n.jitter(n / 7, 1e-9)}, {"etag": self.n.id("e")}

    def get_cart(self, r):
        n = self.cart.get(r.params["cart_id"])
        return (200, {"pieces": n, "also_bought": self.n.shuffle(["pen", "mug", "lamp", "rug"])}) if n else (404, {"error": "empty_cart"})

    def product(self, r):
        s = r.params["sku"]
        if H(s) % 23 == 0:
            return 410, {"error": "discontinued"}
        stock = min(H(s, "stock") % 14, H(s, "more") % 40)
        low = stock <= 3 if self.has("R5") else stock < 3
        return 200, {"sku": s, "stock": stock, "rating": 1 + H(s, "r") % 5,
                     "availability": "none" if not stock else "low" if low else "plenty",
                     "supplier": pick_h(["acme", "nord", "delta"], s, "sup"),
                     "also_bought": self.n.shuffle(["pen", "mug", "lamp", "rug"])}, {"etag": self.n.id("e")}

    def ship(self, country, sub, method):
        return 0 if sub >= 6000 and country != "CH" else SHIP[country] + (800 if method == "express" else 0)

    def checkout(self, r):
        b = r.body
        to, v = b["ship_to"], b.get("voucher", "")
        if to["country"] not in RATES:
            return 422, {"error": "no_delivery"}
        sub = sum(x["qty"] * x["unit_cents"] for x in b["lines"])
        if v.startswith("NEW-") and sub < 3000 and self.has("R2"):
            return 422, {"error": "minimum_order", "subtotal_cents": sub}
        free = to["country"] == "ES" and to["zip"][:2] in ("35", "38") and self.has("R3")
        lines = []
        for x in b["lines"]:
            full, red = RATES[to["country"]]
            rate = red if x["group"] in ("book", "food", "press") else full
            if x["group"] == "press" and to["country"] == "FR" and self.has("R1"):
                rate = 21
            rate, gross = 0 if free else rate, x["qty"] * x["unit_cents"]
            lines.append({"sku": x["sku"], "gross_cents": gross, "vat_permille": rate, "vat_cents": gross * rate // (1000 + rate)})
        state, off = "none", 0
        if v.startswith("ONCE-") and v in self.spent and self.has("R4"):
            state = "spent"
        elif v:
            state, off = "applied", {"NEW-": 500, "ONCE": sub // 10, "CLUB": sub // 20}.get(v[:4], 0)
        self.spent.add(v)
        ship = self.ship(to["country"], sub, b["method"])
        total = sub - min(off, sub) + ship
        if to["country"] == "CH" and self.has("R6"):
            total = (total + 2) // 5 * 5
        self.order[b["order_no"]] = "open"
        hd = {"etag": self.n.id("e"), "x-customs": "declare" if free or to["country"] == "CH" else "none"}
        return 201, {"order_no": b["order_no"], "subtotal_cents": sub, "discount_cents": min(off, sub), "shipping_cents": ship,
                     "total_cents": total, "voucher_state": state, "lines": lines, "receipt_id": self.n.uuid(), "pick_no": self.n.seq(),
                     "placed_at": self.n.epoch(),
                     "warehouse": {"site": pick_h(["east", "west"], b["order_no"]), "slot": self.n.pick(["a", "b", "c", "d"])}}, hd

    def change(self, r):
        no, to = r.params["order_no"], r.body["state"]
        if self.order.get(no) != "open":
            return 409, {"error": "not_open"}
        self.order[no] = to
        return 200, {"order_no": no, "state": to, "placed_at": self.n.epoch()}

    def quote(self, r):
        c = r.body["country"]
        return (200, {"cents": self.ship(c, r.body["subtotal_cents"], r.body["method"]),
                      "score": self.n.jitter(.5, 1e-9)}) if c in SHIP else (422, {"error": "no_delivery"})


def sessions(rng):
    sku = lambda g: "%s-%04d" % (g[:3].upper(), zipf(rng, range(1, 260), .5) * 37 % 9973)
    k = 0
    while True:
        k += 1
        land, out, cart = rng.choices(["DE", "FR", "AT", "CH", "NL", "ES", "GB"], [37, 21, 12, 10, 8, 10, 2])[0], [], "k%07x" % (k * 5099)
        zipc = "%02d%03d" % (rng.choice([3, 8, 17, 28, 29, 41, 46]), rng.randrange(999)) if land == "ES" else (
            "%05d" % rng.randrange(1000, 99999) if land in ("DE", "FR") else "%04d" % rng.randrange(1000, 9999))
        if land == "ES" and rng.random() < .085:
            zipc = rng.choice(["35", "38"]) + "%03d" % rng.randrange(1, 699)
        code = wpick(rng, none=48, NEW=20 if zipc[:2] not in ("35", "38") else 0, ONCE=17, CLUB=15)
        voucher = None if code == "none" else "%s-%s" % (code, "%04d" % (k * 3 % 10000) if code == "ONCE" else zipf(rng, ["SPRING", "MAIL", "2025"]))
        if code == "ONCE":
            voucher += "%02d" % (k // 3333)
        for j in range(rng.randint(1, 3)):
            lines = []
            for _ in range(rng.choices([1, 2, 3, 4], [42, 30, 18, 10])[0]):
                g = zipf(rng, ["book", "home", "press", "toys", "food", "audio"], .8)
                lines.append({"sku": sku(g), "group": g, "qty": zipf(rng, [1, 2, 3, 5], 1.7), "gift": rng.random() < .1,
                              "unit_cents": logn(rng, {"press": 620, "audio": 5900, "food": 480}.get(g, 1650), .6, 90, 40000) // 10 * 10
                              + rng.choice([9, 9, 9, 5, 0, 2])})
            for _ in range(rng.choice([0, 1, 1, 2])):
                out.append(rq("GET", "/products/" + sku(zipf(rng, ["book", "home", "press", "toys"], .8)),
                              query={"currency": "CHF" if land == "CH" else "EUR"} if rng.random() < .5 else None))
            if rng.random() < .45:
                out.append(rq("PUT", "/carts/" + cart, {"lines": [{"sku": x["sku"], "qty": x["qty"]} for x in lines],
                                                        "device": wpick(rng, phone=60, desktop=30, tablet=10)}))
            if rng.random() < .25:
                out.append(rq("GET", "/carts/" + cart))
            b = {"order_no": "O%d-%d" % (700000 + k, j), "lines": lines, "method": wpick(rng, standard=82, express=18),
                 "payment": wpick(rng, card=40, invoice=35, wallet=25),
                 "ship_to": {"country": land, "zip": zipc, "city": "c%03d" % (H(zipc) % 400)}, "newsletter": rng.random() < .35,
                 "customer": {"guest": rng.random() < .4, "since": 2012 + rng.randrange(14)},
                 "currency": "CHF" if land == "CH" and rng.random() < .9 else "EUR"}
            if voucher and rng.random() < .85:
                b["voucher"] = voucher
            if rng.random() < .25:
                out.append(rq("POST", "/shipping-quotes", {"country": land, "method": b["method"],
                                                           "subtotal_cents": logn(rng, 4000, .7, 200, 60000)}))
            out.append(rq("POST", "/checkouts", b, headers={"x-shop": "web-" + land.lower()}))
            if rng.random() < .2:
                out += [rq("PATCH", "/orders/" + b["order_no"], {"state": wpick(rng, cancelled=60, packed=40)})] * (1 + (rng.random() < .2))
        yield out

"""Generate the data of docs/data.md in any size: the eight Olist tables and a click stream.

    python data/generate.py --orders 10000 --out data

The same size and seed give the same bytes on every platform: each number comes from ``Random.random`` through
plain arithmetic. Everything an order needs is derived from the order's number, so that nothing is kept and
memory stays flat.
"""

import argparse
import gzip
import json
import sys
import tomllib
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path
from random import Random
from typing import IO, Any

SEED = 2016
FIRST_DAY = datetime(2016, 9, 4)
DAYS = 773  # the real orders end on 2018-10-17
HOUR, DAY = 3600, 86400
MIXED_ROWS = 500
ENCODE = json.JSONEncoder(separators=(",", ":")).encode
CLICKSTREAM = "db_web/tbl_clickstream/clickstream.json.gz"


class MixedRows:
    """A file whose rows leave in a mixed order, so that the rows of an order are not neighbours."""

    def __init__(self, file: IO[str], random: Random, window: int) -> None:
        self._file = file
        self._random = random
        self._window = window
        self._waiting: list[str] = []

    def write(self, row: str) -> None:
        """Take a row, and let another one out once enough are waiting."""
        if len(self._waiting) < self._window:
            self._waiting.append(row)
            return
        at = int(self._random.random() * self._window)
        self._file.write(self._waiting[at] + "\n")
        self._waiting[at] = row

    def flush(self) -> None:
        """Write the rows that still wait."""
        self._file.writelines(row + "\n" for row in self._waiting)
        self._waiting.clear()


@dataclass(frozen=True)
class Product:
    """What the items of a product share."""

    product_id: str
    category: str
    seller_id: str
    price: int
    freight: int


@dataclass(frozen=True)
class Order:
    """An order, with its times in seconds since the first day, None where the file has an empty field."""

    number: int
    order_id: str
    person: int
    status: str
    purchase: int
    approved: int | None
    carrier: int | None
    delivered: int | None
    estimated: int


class Shop:
    """Everything that orders refer to, each derived from its number alone."""

    def __init__(self, orders: int, seed: int) -> None:
        vocabulary = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
        self.files: dict[str, str] = vocabulary["files"]
        self.words: dict[str, Any] = vocabulary["words"]
        self.words["city_shares"] = [[city, city[-1]] for city in self.words["cities"]]
        self.products = max(10, orders // 3)
        self.sellers = max(5, orders // 32)
        self._seed = seed
        self._bounds: dict[str, list[int]] = {}
        for name, shares in self.words.items():
            if name.endswith("_shares"):
                bounds = self._bounds[name] = [0]
                bounds.extend(bounds[-1] + share for _, share in shares)

    def random(self, kind: str, number: int) -> Random:
        """Give one thing's own random numbers."""
        return Random(f"{self._seed}/{kind}/{number}")  # noqa: S311 - data, not secrets

    def key(self, kind: str, number: int) -> str:
        """Give one thing's id: 32 hex digits."""
        return blake2b(f"{self._seed}/{kind}/{number}".encode(), digest_size=16).hexdigest()

    def draw(self, what: str, random: Random) -> Any:
        """Draw from a vocabulary's list of choices by their shares."""
        bounds = self._bounds[f"{what}_shares"]
        return self.words[f"{what}_shares"][bisect(bounds, random.random() * bounds[-1]) - 1][0]

    def pick(self, what: str, random: Random) -> str:
        """Pick from a vocabulary's list of equal choices."""
        return str(self.words[what][int(random.random() * len(self.words[what]))])

    def amount(self, what: str, random: Random) -> int:
        """Draw an amount in cents by the vocabulary's quantiles, with a straight line between two of them."""
        quantiles, at = self.words[f"{what}_quantiles"], random.random()
        right = bisect(quantiles, [at, 1e9])
        (low, least), (high, most) = quantiles[right - 1], quantiles[right]
        return int(least + (most - least) * (at - low) / (high - low))

    def address(self, random: Random) -> tuple[str, str, str]:
        """Draw a zip prefix with its city and state."""
        city = self.draw("city", random)
        return zip_prefix(city, int(random.random() * zip_prefixes(city))), city[0], city[1]

    def product(self, number: int) -> Product:
        """Give a product."""
        random = self.random("product", number)
        price = max(490, self.amount("price", random) // 100 * 100 + self.draw("price_ending", random))
        return Product(
            product_id=self.key("product", number),
            category=self.draw("category", random),
            seller_id=self.key("seller", int(random.random() * self.sellers)),
            price=price,
            freight=self.amount("freight", random),
        )


def zip_prefixes(city: list[Any]) -> int:
    """Count the zip prefixes that a city uses: the more, the more customers it has."""
    return int(min(city[3], 2 + city[6] // 8))


def zip_prefix(city: list[Any], number: int) -> str:
    """Give one of the zip prefixes of a city."""
    return f"{city[2] + number * city[3] // zip_prefixes(city):05d}"


def skewed(random: Random) -> float:
    """Draw from 0 to 1, small ones more often."""
    drawn = random.random()
    return drawn * drawn


def quote_id(value: str) -> str:
    """Quote some ids, as the real files do."""
    return f'"{value}"' if value[0] in "0123" else value


def quote(text: str) -> str:
    """Quote a text by RFC 4180 where it needs to be."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def money(cents: int) -> str:
    """Write an amount with two decimal places."""
    return f"{cents // 100}.{cents % 100:02d}"


def moment(second: int | None) -> str:
    """Write a time that is given in seconds since the first day."""
    if second is None:
        return ""
    minute = second // 60
    return f"{day_name(second // DAY)} {minute // 60 % 24:02d}:{minute % 60:02d}:{second % 60:02d}"


@lru_cache(maxsize=1024)
def day_name(day: int) -> str:
    """Write a date."""
    return str((FIRST_DAY + timedelta(days=day)).date())


def geolocation_rows(shop: Shop) -> Iterator[str]:
    """Give some points for every zip prefix."""
    random = shop.random("geolocation", 0)
    for city in shop.words["cities"]:
        for number in range(zip_prefixes(city)):
            for _ in range(1 + int(random.random() * 3)):
                latitude, longitude = (at + random.random() / 10 - 0.05 for at in city[4:6])
                name = shop.words["accented"].get(city[0], city[0]) if random.random() < 0.1 else city[0]
                yield f'"{zip_prefix(city, number)}",{latitude:.6f},{longitude:.6f},{name},{city[1]}'


def seller_rows(shop: Shop) -> Iterator[str]:
    """Give all sellers."""
    for number in range(shop.sellers):
        prefix, city, state = shop.address(shop.random("seller", number))
        yield f'{quote_id(shop.key("seller", number))},"{prefix}",{city},{state}'


def product_rows(shop: Shop) -> Iterator[str]:
    """Give all products; one without a category lacks its texts' lengths too."""
    for number in range(shop.products):
        product, random = shop.product(number), shop.random("measures", number)
        name, text, photos, weight, *box = (
            int(skewed(random) * top) for top in (60, 3900, 6, 9000, 90, 90, 90)
        )
        texts = f"{name + 5},{text + 4},{photos + 1}" if product.category else ",,"
        measures = ",".join(str(side + 7) for side in box)
        yield f"{quote_id(product.product_id)},{product.category},{texts},{weight + 50},{measures}"


def make_order(shop: Shop, random: Random, number: int) -> Order:
    """Make up an order: the later the day the more of them, and times as far as its status has got."""
    status = shop.draw("status", random)
    day = int(DAYS * max(random.random(), random.random()))
    purchase = day * DAY + int(DAY * ((random.random() + random.random()) / 2 + 0.1)) % DAY
    approved = purchase + int(HOUR * (0.1 + 2 * random.random()) * (20 if random.random() < 0.2 else 1))
    carrier = approved + int(DAY * 6 * skewed(random)) + HOUR
    delivered = carrier + int(DAY * (1 + 25 * skewed(random)))
    luck = random.random()
    is_approved = status != "created" and not (status == "canceled" and luck < 0.23)
    has_left = status in ("delivered", "shipped") or (status == "canceled" and luck > 0.88)
    has_arrived = status == "delivered" or (status == "canceled" and luck > 0.99)
    return Order(
        number=number,
        order_id=shop.key("order", number),
        person=int(number * random.random()) if random.random() < 0.03 else number,
        status=status,
        purchase=purchase,
        approved=approved if is_approved and random.random() > 0.0005 else None,
        carrier=carrier if has_left and random.random() > 0.0005 else None,
        delivered=delivered if has_arrived and random.random() > 0.001 else None,
        estimated=(day + 12 + int(30 * random.random())) * DAY,
    )


def make_items(shop: Shop, random: Random, order: Order) -> list[Product]:
    """Draw the products of an order's items, often the same one; none for about 0.8 % of the orders."""
    nothing = {"created": 1.0, "unavailable": 0.99, "canceled": 0.26, "invoiced": 0.01}.get(order.status, 0.0)
    if random.random() < nothing:
        return []
    items: list[Product] = []
    for _ in range(shop.draw("item_count", random)):
        repeated = items and random.random() < 0.7
        items.append(items[-1] if repeated else shop.product(int(shop.products * skewed(random))))
    return items


def order_row(order: Order, customer_id: str) -> str:
    """Give the row of an order."""
    times = (order.purchase, order.approved, order.carrier, order.delivered, order.estimated)
    return f"{quote_id(order.order_id)},{quote_id(customer_id)},{order.status},{','.join(map(moment, times))}"


def item_rows(order: Order, items: list[Product]) -> Iterator[str]:
    """Give the rows of an order's items."""
    limit = moment((order.approved or order.purchase) + 6 * DAY)
    for number, item in enumerate(items, 1):
        ids = f"{quote_id(order.order_id)},{number},{quote_id(item.product_id)},{quote_id(item.seller_id)}"
        yield f"{ids},{limit},{money(item.price)},{money(item.freight)}"


def payment_rows(shop: Shop, random: Random, order: Order, total: int) -> Iterator[str]:
    """Split what an order costs into payments, some of them worth nothing; 0.1 % of the orders have none."""
    luck = random.random()
    if luck < 0.001:
        return
    types = shop.draw("mixed_payment", random) if luck < 0.04 else [shop.draw("payment_type", random)]
    if order.status == "canceled" and luck > 0.9:
        types, total = ["not_defined"], 0
    for number, kind in enumerate(types, 1):
        part = total if number == len(types) else int(total * random.random() * (random.random() > 0.03))
        total -= part
        installments = shop.draw("installment", random) if kind == "credit_card" else 1
        yield f"{quote_id(order.order_id)},{number},{kind},{installments},{money(part)}"


def review_rows(shop: Shop, random: Random, order: Order) -> Iterator[str]:
    """Give the reviews of an order; some bear the id of another order's review, some a score that is none."""
    for number in range(shop.draw("review_count", random)):
        other = order.number > 0 and random.random() < 0.008
        review_id = shop.key("review" if other or not number else f"review{number}", order.number - other)
        score = shop.draw("invalid_score" if random.random() < 0.003 else "score", random)
        comment = make_comment(shop, random, score) if random.random() < 0.41 else ""
        title = shop.pick("titles", random) if random.random() < (0.25 if comment else 0.02) else ""
        created = ((order.delivered or order.estimated) // DAY + 1 + number) * DAY
        answered = created + int(DAY * (0.1 + 4 * skewed(random)))
        texts = f"{quote(title)},{quote(comment)}"
        ids = f"{quote_id(review_id)},{quote_id(order.order_id)}"
        yield f"{ids},{score},{texts},{moment(created)},{moment(answered)}"


def make_comment(shop: Shop, random: Random, score: str) -> str:
    """Join one to three phrases into a comment, a bare blank once in a while."""
    if random.random() < 0.001:
        return " "
    mood = "praise" if score in ("4", "5") else "complaints"
    text = shop.pick(mood, random)
    for _ in range(int(random.random() * 2.5)):
        text += shop.draw("joint", random) + shop.pick(mood, random)
    return str(text + shop.draw("ending", random))


def event_rows(
    shop: Shop, random: Random, order: Order, items: list[Product], person_id: str, state: str
) -> Iterator[str]:
    """Give the events that led to an order, the purchase last, one JSON object each."""
    names = ["search", "product_view", "add_to_cart"][: shop.draw("event_count", random) - 1]
    device, system = shop.draw("device", random)
    session = {"id": shop.key("session", order.number)[:16], "channel": shop.draw("channel", random)}
    basket = [
        {"product_id": item.product_id, "price": item.price / 100, "quantity": quantity}
        for item, quantity in Counter(items).items()
    ]
    pause = int(20 + 300 * random.random())
    for number, name in enumerate([*names, "purchase"]):
        second = order.purchase - (len(names) - number) * pause
        event = {
            "event_time": moment(second).replace(" ", "T") + "Z",
            "event_type": name,
            "session": session | {"device": {"type": device, "os": system}},
            "customer": {"customer_unique_id": person_id, "state": state},
            "items": [] if name == "search" else basket,
            "order_id": order.order_id if name == "purchase" else None,
        }
        yield ENCODE(event)


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a file for writing; one that ends in .gz is compressed, without a time stamp inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        raw: Any = stack.enter_context(path.open("wb"))
        if path.suffix == ".gz":
            raw = stack.enter_context(
                gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
            )
        yield stack.enter_context(TextIOWrapper(raw, encoding="utf-8", newline="\n"))


def generate(orders: int, out: Path, seed: int = SEED) -> None:
    """Write the data of so many orders into the folder ``out``, over what is there."""
    shop = Shop(orders, seed)
    with ExitStack() as stack:
        tables: dict[str, MixedRows] = {}
        for path, header in {**shop.files, CLICKSTREAM: ""}.items():
            file = stack.enter_context(open_text(out / path))
            file.write(header + "\n" if header else "")
            window = MIXED_ROWS if header else 1  # the events of a session compress well side by side
            tables[path.split("/")[1]] = MixedRows(file, shop.random(path, 0), window)
        for table, rows in (
            ("tbl_geolocation", geolocation_rows(shop)),
            ("tbl_sellers", seller_rows(shop)),
            ("tbl_products", product_rows(shop)),
        ):
            for row in rows:
                tables[table].write(row)
        for number in range(orders):
            write_order(shop, tables, number)
            if number % 100_000 == 99_999:
                print(f"{number + 1:,} orders", file=sys.stderr)
        for mixed in tables.values():
            mixed.flush()


def write_order(shop: Shop, tables: dict[str, MixedRows], number: int) -> None:
    """Write everything about one order."""
    random = shop.random("order", number)
    order = make_order(shop, random, number)
    items = make_items(shop, random, order)
    customer_id, person_id = shop.key("customer", number), shop.key("person", order.person)
    prefix, city, state = shop.address(shop.random("person", order.person))
    tables["tbl_customers"].write(f'{quote_id(customer_id)},{quote_id(person_id)},"{prefix}",{city},{state}')
    tables["tbl_orders"].write(order_row(order, customer_id))
    total = sum(item.price + item.freight for item in items) or 100 + int(20000 * random.random())
    rows = {
        "tbl_order_items": item_rows(order, items),
        "tbl_payments": payment_rows(shop, random, order, total),
        "tbl_reviews": review_rows(shop, random, order),
        "tbl_clickstream": event_rows(shop, random, order, items, person_id, state),
    }
    for name, some in rows.items():
        for row in some:
            tables[name].write(row)


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Generate the e-commerce data set.")
    parser.add_argument("--orders", type=int, default=10_000, help="how many orders (default: 10000)")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="another seed gives other data of the same kind"
    )
    arguments = parser.parse_args(argv)
    if arguments.orders < 1:
        parser.error("--orders must be at least 1")
    generate(arguments.orders, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()

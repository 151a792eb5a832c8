"""Small inputs of the scripts."""

import json
from collections.abc import Iterable
from typing import Any


def lines(records: Iterable[Any]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


ORDERS_CSV = """\
order_id,customer_id,ordered_at,status,amount,region
1,c1,2024-01-05 10:00:00,shipped,10.50,N
2,c2,2024-01-20 11:30:00,open,20.00,S
3,c1,2024-02-01 00:00:00,shipped,5.25,N
4,c3,2024-02-14 23:59:59,cancelled,99.99,W
5,c2,2024-02-29 08:15:00,shipped,7.00,S
"""

# A name with a comma, an empty name, and a customer twice
CUSTOMERS_CSV = """\
id,name,city,updated
c1,"Ana, Lda",Porto,2024-01-01
c2,Bea,Lisboa,2024-01-02
c3,,Faro,2024-01-03
c1,"Ana & Co, Lda",Braga,2024-03-01
"""

EVENTS = [
    {"eventId": "e1", "userId": "u1", "type": "view", "ts": 1704103200, "tags": ["a", "b"]},
    {"eventId": "e2", "userId": "u1", "type": "buy", "ts": 1704106800, "tags": []},
    {"eventId": "e3", "userId": "u2", "type": "view", "ts": 1704189600, "tags": ["b"]},
    {"eventId": "e4", "userId": "u3", "type": "view", "ts": 1704193200, "tags": ["c", "a", "b"]},
    {"eventId": "e5", "userId": "u2", "type": "buy", "ts": 1704196800, "tags": ["a"]},
]

PLAYERS = [
    {"id": "p1", "given": "Ada", "family": "Silva", "contacts": [{"kind": "mail", "value": "ada@a.pt"}]},
    {"id": "p2", "given": "Rui", "family": "Costa", "contacts": []},
    {
        "id": "p3",
        "given": "Eva",
        "family": "Melo",
        "contacts": [{"kind": "mail", "value": "e@b.pt"}, {"kind": "phone", "value": "123"}],
    },
]
SEASONS = [
    {"player": "p1", "club": "k1", "since": "2020"},
    {"player": "p2", "club": "k1", "since": "2021"},
    {"player": "p3", "club": "k2", "since": "2019"},
    {"player": "p1", "club": "k2", "since": "2023"},
]
CLUBS = [
    {"id": "k1", "name": "Northern", "home": {"city": "Porto", "seats": 100}},
    {"id": "k2", "name": "Southern", "home": {"city": "Faro", "seats": 50}},
]

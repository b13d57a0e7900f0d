"""Subscribers of an event stream, and a writer in a process of its own, so that neither waits for the other."""

import http.client
import json
import multiprocessing
import random
import re
import selectors
import socket
import time
import urllib.parse

from . import operations

DELIVERY = b"event: next\n"
EVENT = re.compile(rb'"annotationId":"(\d+)","version":(\d+)')


class Subscribers:
    """Connections with a server-sent event stream each."""

    def __init__(self, server, count, sampled=20):
        address = urllib.parse.urlparse(server.url)
        body = json.dumps({"query": operations.text(server.dialect, "events")}).encode()
        lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}", "Accept: text/event-stream"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in server.headers.items()]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        for _ in range(count):
            connection = socket.create_connection((address.hostname, address.port))
            connection.sendall(request)
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ)
            self.sockets.append(connection)
        self.sampled = set(self.sockets[:: max(1, count // sampled)])
        self.tails = {connection: b"" for connection in self.sockets}
        self.forget()

    def forget(self):
        """Begins to count anew."""
        self.delivered = dict.fromkeys(self.sockets, 0)
        self.parts = []
        self.last = time.monotonic()

    def read(self, timeout):
        """Reads what has arrived, or waits for it."""
        for key, _ in self.selector.select(timeout):
            connection = key.fileobj
            part = connection.recv(1 << 18)
            if not part:
                raise SystemExit("the server ended a subscription")
            now = time.monotonic()
            # A delivery may lie across two parts, so the end of a part is looked at again, one byte short of a whole.
            text = self.tails[connection] + part
            found = text.count(DELIVERY)
            self.tails[connection] = text[-(len(DELIVERY) - 1) :]
            if found:
                self.delivered[connection] += found
                self.last = now
            if connection in self.sampled:
                self.parts.append((now, part))

    def arrivals(self):
        """Pairs of event and time of arrival at the sampled subscribers."""
        for now, part in self.parts:
            for annotation, version in EVENT.findall(part):
                yield (annotation.decode(), int(version)), now

    def close(self):
        self.selector.close()
        for connection in self.sockets:
            connection.close()


class Writer:
    """Updates annotations, one after the other, when told to."""

    def __init__(self, server, annotations):
        self.pipe, end = multiprocessing.Pipe()
        query = operations.text(server.dialect, "change")
        arguments = (server.url, server.headers, query, annotations, end)
        self.process = multiprocessing.Process(target=write, args=arguments, daemon=True)
        self.process.start()
        end.close()  # Only the writer holds its end, so that a writer that died is noticed.

    def start(self, rate, seconds):
        """Writes for some seconds, at a rate per second; without a rate as fast as the answers come."""
        self.pipe.send((rate, seconds))

    def result(self, timeout=0):
        """Times of the answers by event, or `None` while the writer is at work."""
        try:
            return self.pipe.recv() if self.pipe.poll(timeout) else None
        except EOFError:
            raise SystemExit("the writer died") from None

    def stop(self):
        self.pipe.send(None)
        self.process.join()


def write(url, headers, query, annotations, pipe):
    address = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    generator = random.Random()
    while order := pipe.recv():
        rate, seconds = order
        answered, begin = {}, time.monotonic()
        while time.monotonic() - begin < seconds:
            if rate:
                time.sleep(max(0, begin + len(answered) / rate - time.monotonic()))
            change = {"leadTime": generator.random() * 1000}
            variables = {"id": str(generator.randint(1, annotations)), "change": change}
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", address.path, body, {"Content-Type": "application/json", **headers})
            updated = json.load(connection.getresponse())["data"]["updateAnnotation"]
            answered[updated["id"], updated["version"]] = time.monotonic()
        pipe.send(answered)

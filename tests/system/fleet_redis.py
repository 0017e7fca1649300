# SPDX-License-Identifier: Apache-2.0
"""Redis for nodes that share their calls, in a namespace of its own: one process, with an ACL, with TLS, behind
sentinels, a cluster; and a way to it that can be slow or break."""
import asyncio
import contextlib
import datetime
import ipaddress
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fleet_network import REDIS

PASSWORD = "a-password-of-the-tests"
SERVICE = "calls"
PORTS = {"plain": 6379, "own": 6380, "proxy": 6390, "acl": 6400, "tls": 6410, "master": 6420, "replica": 6421, "sentinel": 26420,
         "cluster": 6430}


def wait_for(condition, seconds=20, what="it"):
    """What `condition` gives, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} has not come within {seconds} s"
        time.sleep(0.02)
    return value


class Process:
    """One redis-server."""

    def __init__(self, net, port, *options, cli=(), sentinel=False):
        self.net, self.port, self.cli = net, port, cli
        self.folder = tempfile.TemporaryDirectory(prefix="mediaferry-redis-")
        self.config = pathlib.Path(self.folder.name, "redis.conf")  # that of a sentinel is written by itself
        self.config.write_text("\n".join([f"bind {REDIS}", "protected-mode no", f"dir {self.folder.name}",
                                          *([] if sentinel else ['save ""', "appendonly no"]), *options, ""]))
        self.words = ["--sentinel"] if sentinel else []
        if not any(option.startswith("tls-port") for option in options):
            self.words = ["--port", str(port), *self.words]
        self.process = None
        self.start()

    def start(self):
        """Without data, whatever it had before."""
        with self.net.inside("redis"):
            self.process = subprocess.Popen(["redis-server", str(self.config), *self.words],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "PONG" in self.ask("ping").stdout, what="redis-server")

    def ask(self, *words, text=True):
        with self.net.inside("redis"):
            return subprocess.run(["redis-cli", "-h", REDIS, "-p", str(self.port), *self.cli, *map(str, words)],
                                  capture_output=True, text=text, timeout=20, check=False)

    def __call__(self, *words):
        done = self.ask(*words)
        assert done.returncode == 0 and "ERR" not in done.stdout, done.stdout + done.stderr
        return done.stdout.strip()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        self.kill()
        self.folder.cleanup()


class Redis:
    """Something to share calls in: what a node's options say of it, those of its processes that have data, and the
    others."""

    def __init__(self, url, data, options=(), watchers=()):
        self.url, self.data, self.options, self.watchers = url, data, list(options), list(watchers)
        self.main = data[0]

    def __call__(self, *words):
        return self.main(*words)

    def _found(self, pattern):
        """(process, key) of all that is stored."""
        return [(one, key) for one in self.data if one.process
                for key in one("--scan", "--pattern", pattern).splitlines() if key]

    def keys(self, pattern="*"):
        return sorted({key for _, key in self._found(pattern)})

    def everything(self, pattern="*"):
        """All that is stored under such keys, as bytes."""
        readers = {"hash": "hgetall", "string": "get"}
        return b"".join(key.encode() + b"\n" + one.ask("--raw", readers[one("type", key)], key, text=False).stdout
                        for one, key in self._found(pattern))

    def close(self):
        for one in (*self.data, *self.watchers):
            one.close()


def plain(net):
    return Redis(f"redis://{REDIS}:{PORTS['plain']}/0", [Process(net, PORTS["plain"])])


def with_acl(net, *rules):
    """A user who may do what a node needs, with its keys alone."""
    process = Process(net, PORTS["acl"], "user default off", "user admin on nopass ~* &* +@all",
                      f"user ferry on >{PASSWORD} {' '.join(rules)}", cli=["--user", "admin", "--pass", "any"])
    return Redis(f"redis://ferry:{PASSWORD}@{REDIS}:{PORTS['acl']}/0", [process])


def _certify(folder):
    """An authority, and a certificate of it for the address: names of the files."""
    now = datetime.datetime.now(datetime.timezone.utc)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("authority", "redis")]
    files = []
    for n, name in enumerate(("ca", "redis")):
        made = (x509.CertificateBuilder().subject_name(names[n]).issuer_name(names[0]).public_key(keys[n].public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=30))
                .add_extension(x509.BasicConstraints(ca=n == 0, path_length=None), True)
                .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(REDIS))]), False)
                .sign(keys[0], hashes.SHA256()))
        files.append(folder / f"{name}.crt")
        files[-1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.append(folder / "redis.key")
    files[-1].write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                serialization.NoEncryption()))
    return [str(file) for file in files]


def with_tls(net, folder):
    """It wants a certificate of its clients, too."""
    ca, certificate, key = _certify(pathlib.Path(folder))
    process = Process(net, PORTS["tls"], "port 0", f"tls-port {PORTS['tls']}", f"tls-ca-cert-file {ca}",
                      f"tls-cert-file {certificate}", f"tls-key-file {key}", "tls-auth-clients yes",
                      cli=["--tls", "--cacert", ca, "--cert", certificate, "--key", key])
    return Redis(f"rediss://{REDIS}:{PORTS['tls']}/0", [process], [
        f"--redis-tls-ca={ca}", f"--redis-tls-certificate={certificate}", f"--redis-tls-key={key}"])


def with_sentinels(net, count=3):
    """A master, a replica of it and those who watch them."""
    master = Process(net, PORTS["master"])
    replica = Process(net, PORTS["replica"], f"replicaof {REDIS} {PORTS['master']}")
    sentinels = [
        Process(net, PORTS["sentinel"] + n, f"sentinel monitor {SERVICE} {REDIS} {PORTS['master']} {count // 2 + 1}",
                f"sentinel down-after-milliseconds {SERVICE} 500", f"sentinel failover-timeout {SERVICE} 3000",
                sentinel=True) for n in range(count)]
    wait_for(lambda: "master_link_status:up" in replica("info", "replication"), what="the replica")
    wait_for(lambda: all(f"slaves=1,sentinels={count}" in one("info", "sentinel") for one in sentinels), 40,
             "the sentinels")
    hosts = ",".join(f"{REDIS}:{one.port}" for one in sentinels)
    return Redis(f"redis+sentinel://{hosts}/{SERVICE}/0", [master, replica], watchers=sentinels)


def cluster(net, count=3):
    """That many masters, each with its part of the slots."""
    nodes = [Process(net, PORTS["cluster"] + n, "cluster-enabled yes", "cluster-node-timeout 2000",
                     "cluster-require-full-coverage no") for n in range(count)]
    for n, node in enumerate(nodes):
        node("cluster", "addslotsrange", n * 16384 // count, (n + 1) * 16384 // count - 1)
        node("cluster", "set-config-epoch", n + 1)
        if n > 0:
            node("cluster", "meet", REDIS, nodes[0].port)
    wait_for(lambda: all("cluster_state:ok" in node("cluster", "info") and
                         f"cluster_known_nodes:{count}" in node("cluster", "info") for node in nodes), 30, "the cluster")
    return Redis("redis+cluster://" + ",".join(f"{REDIS}:{node.port}" for node in nodes), nodes)


class Wire:
    """A way to a Redis that can be made slow, or to break; on a thread of its own."""

    def __init__(self, net, to=PORTS["plain"], port=PORTS["proxy"]):
        self.net, self.to = net, to
        self.url = f"redis://{REDIS}:{port}/0"
        self.delay_s = 0.0  # of each answer
        self.open = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        with net.inside("redis"):
            self.listener = socket.create_server((REDIS, port))
        self.is_closed = False
        self.thread.start()

    def _run(self):
        with self.net.inside("redis"):
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self.listener))
            self.loop.run_forever()

    async def _serve(self, reader, writer):
        if self.is_closed:
            writer.transport.abort()
            return
        try:
            redis_reader, redis_writer = await asyncio.open_connection(REDIS, self.to)
        except OSError:
            writer.transport.abort()
            return
        self.open |= {writer, redis_writer}
        try:
            await asyncio.gather(self._pass_on(reader, redis_writer, lambda: 0.0),
                                 self._pass_on(redis_reader, writer, lambda: self.delay_s))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in (writer, redis_writer):
                self.open.discard(one)
                one.transport.abort()

    async def _pass_on(self, reader, writer, delay):
        """What comes in goes on later, in order; nothing waits for what came before it."""
        pieces = asyncio.Queue()

        async def write():
            while piece := await pieces.get():
                await asyncio.sleep(max(0.0, piece[0] - self.loop.time()))
                writer.write(piece[1])
                await writer.drain()

        writing = asyncio.ensure_future(write())
        try:
            while data := await reader.read(65536):
                pieces.put_nowait((self.loop.time() + delay(), data))
            raise ConnectionResetError
        finally:
            writing.cancel()

    def slow(self, seconds):
        self.delay_s = seconds

    def break_off(self):
        """Every connection is cut, and none comes up."""
        self.is_closed = True

        def cut():
            for one in list(self.open):
                one.transport.abort()

        self.loop.call_soon_threadsafe(cut)

    def mend(self):
        self.is_closed = False

    def close(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, OSError):
                        await task

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

// The program that the hosts of the bench run: plain JavaScript, because Node starts it in a few hundredths of a second.
//
//   tcp-server PORT                     speaks the line protocol below
//   tcp-talk HOST PORT [LOCALPORT]      stdin to the connection, connection to stdout
//   tcp-download HOST PORT BYTES        prints {bytes, sent, received, ms, ...}, with the two SHA-256
//   tcp-upload HOST PORT BYTES          the same
//   tcp-parallel HOST PORT COUNT        COUNT connections open at once, each with an exchange of its own
//   udp-server PORT                     answers "ADDRESS PORT SHA256" of the datagram and the datagram itself
//   udp-echo HOST PORT COUNT BYTES      COUNT datagrams, one after the other
//   udp-refused HOST PORT               prints the error that a connected socket reports
//
// A line to the TCP server: "whoami", "echo TEXT", "download BYTES" (a line with the SHA-256, the bytes, FIN) or
// "upload" (the bytes, FIN; the answer is a line with the SHA-256).
// Failures are printed as {error: CODE}.

import { createCipheriv, createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

const CONNECT_TIMEOUT_MS = 3000;
const IDLE_TIMEOUT_MS = 15_000;

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Bytes without a pattern that could hide a lost or repeated segment, and the same in every run. */
function content(length) {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

function fail(error) {
  say({ error: error.code ?? error.message });
  process.exit(0);
}

function tcpServer(port) {
  const server = createServer({ allowHalfOpen: true, backlog: 1024 }, (socket) => {
    const remote = `${socket.remoteAddress.replace("::ffff:", "")}:${socket.remotePort}`;
    let text = Buffer.alloc(0);
    let upload;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (upload !== undefined) {
        upload.update(data);
        return;
      }
      text = Buffer.concat([text, data]);
      for (let end = text.indexOf(10); end >= 0 && upload === undefined; end = text.indexOf(10)) {
        const [verb, argument] = text.subarray(0, end).toString().split(" ");
        text = text.subarray(end + 1);
        if (verb === "whoami") {
          socket.write(`${remote}\n`);
        } else if (verb === "echo") {
          socket.write(`${argument}\n`);
        } else if (verb === "download") {
          const bytes = content(Number(argument));
          socket.write(`${sha256(bytes)}\n`);
          socket.end(bytes);
        } else if (verb === "upload") {
          upload = createHash("sha256").update(text);
        }
      }
    });
    socket.on("end", () => socket.end(upload === undefined ? undefined : `${upload.digest("hex")}\n`));
  });
  server.listen(port, "0.0.0.0", () => say({ ready: true }));
}

function open(host, port, localPort) {
  const socket = connect({ host, port, localPort, allowHalfOpen: true, noDelay: true });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
  socket.once("connect", () => socket.setTimeout(IDLE_TIMEOUT_MS));
  return socket;
}

function tcpTalk(host, port, localPort) {
  const socket = open(host, port, localPort);
  socket.once("error", fail);
  socket.once("connect", () => {
    say({ connected: true });
    pipeline(process.stdin, socket, () => {});
    socket.pipe(process.stdout);
  });
}

function tcpDownload(host, port, bytes) {
  const socket = open(host, port);
  const hash = createHash("sha256");
  let announced = "";
  let received = 0;
  const start = performance.now();
  socket.once("error", fail);
  socket.once("connect", () => socket.write(`download ${bytes}\n`));
  socket.on("data", (data) => {
    let rest = data;
    if (!announced.endsWith("\n")) {
      const end = data.indexOf(10) + 1 || data.length;
      announced += data.subarray(0, end).toString();
      rest = data.subarray(end);
    }
    hash.update(rest);
    received += rest.length;
  });
  socket.once("end", () => {
    socket.end();
    const ms = performance.now() - start;
    say({ bytes: received, sent: announced.trim(), received: hash.digest("hex"), ms });
  });
}

function tcpUpload(host, port, bytes) {
  const socket = open(host, port);
  const data = content(bytes);
  let answer = "";
  const start = performance.now();
  socket.once("error", fail);
  socket.once("connect", () => {
    socket.write("upload\n");
    socket.end(data);
  });
  socket.setEncoding("utf8").on("data", (text) => {
    answer += text;
  });
  socket.once("end", () => {
    say({ bytes, sent: sha256(data), received: answer.trim(), ms: performance.now() - start });
  });
}

function tcpParallel(host, port, count) {
  const sockets = [];
  const endpoints = new Set();
  let connected = 0;
  let completed = 0;
  let ended = 0;
  for (let i = 0; i < count; i++) {
    const socket = open(host, port);
    let answer = "";
    sockets.push(socket);
    socket.once("error", fail);
    socket.once("connect", () => {
      connected++;
      if (connected === count) {
        for (const [j, each] of sockets.entries()) {
          each.end(`echo ${j}\nwhoami\n`);
        }
      }
    });
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.once("end", () => {
      const [echo, endpoint] = answer.split("\n");
      completed += echo === String(i) ? 1 : 0;
      endpoints.add(endpoint);
      ended++;
      if (ended === count) {
        say({ connected, completed, endpoints: endpoints.size });
      }
    });
  }
}

function udpServer(port) {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    socket.send([`${from.address}:${from.port} ${sha256(message)}\n`], from.port, from.address);
    socket.send(message, from.port, from.address);
  });
  socket.bind(port, "0.0.0.0", () => say({ ready: true }));
}

function udpEcho(host, port, count, bytes) {
  const socket = createSocket("udp4");
  const data = content(bytes);
  let endpoint;
  let echoed = 0;
  const timer = setTimeout(() => fail({ code: "ETIMEDOUT" }), CONNECT_TIMEOUT_MS);
  socket.on("error", fail);
  socket.on("message", (message) => {
    if (!message.equals(data)) {
      endpoint = message.toString().split(" ")[0];
      return;
    }
    echoed++;
    if (echoed === count) {
      clearTimeout(timer);
      socket.close();
      say({ echoed, endpoint });
    } else {
      socket.send(data);
    }
  });
  socket.connect(port, host, () => socket.send(data));
}

function udpRefused(host, port) {
  const socket = createSocket("udp4");
  const started = performance.now();
  socket.on("error", fail);
  socket.connect(port, host, () => {
    // The kernel keeps the error for the next call on the socket, so a second datagram may be what meets it.
    const timer = setInterval(() => {
      if (performance.now() - started > CONNECT_TIMEOUT_MS) {
        clearInterval(timer);
        fail({ code: "ETIMEDOUT" });
      }
      socket.send("anyone?", (error) => error && fail(error));
    }, 100);
  });
}

const programs = {
  "tcp-server": tcpServer,
  "tcp-talk": tcpTalk,
  "tcp-download": tcpDownload,
  "tcp-upload": tcpUpload,
  "tcp-parallel": tcpParallel,
  "udp-server": udpServer,
  "udp-echo": udpEcho,
  "udp-refused": udpRefused,
};
const [name, ...args] = process.argv.slice(2);
programs[name](...args.map((argument) => (/^\d+$/.test(argument) ? Number(argument) : argument)));

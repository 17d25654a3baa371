// Keeps one stream open, and sends many messages through it.
const { spawn } = require("node:child_process");
const { createInterface } = require("node:readline");

// With nothing on standard output: it was not found, may not be run, or its command line is wrong.
const NEVER_RAN = [1, 2, 126, 127];

class Textsender {
  // `patience`: how many milliseconds a response is waited for; more than [send] timeout, which is 30 s.
  constructor(command = "textsender", args = ["send", "--stream"], patience = 60_000) {
    this.command = command;
    this.args = args;
    this.patience = patience;
    this.waiting = new Map();
    this.child = null;
  }

  // The response to a request, which has to bring an id. Asked again while it is on its way, it is not sent again.
  send(request) {
    const same = this.waiting.get(request.id);
    if (same) return same.promise;
    const entry = {};
    entry.promise = new Promise((resolve) => (entry.resolve = resolve));
    // It may have been sent: repeat it with the same id.
    const late = () => this.settle(request.id, { id: request.id, outcome: "unknown" });
    entry.timer = setTimeout(late, this.patience);
    this.waiting.set(request.id, entry);
    this.child ??= this.start();
    this.child.stdin.write(JSON.stringify(request) + "\n");
    return entry.promise;
  }

  // Finishes what is in flight.
  close() {
    this.child?.stdin.end();
  }

  start() {
    const child = spawn(this.command, this.args, { stdio: ["pipe", "pipe", "inherit"] });
    let answers = 0;
    createInterface({ input: child.stdout }).on("line", (line) => {
      answers += 1;
      const response = read(line);
      if (response) this.settle(response.id, response);
    });
    // Answers to what is waiting, when no more come. The next request starts another process.
    const ended = (outcome) => {
      if (this.child !== child) return;
      this.child = null;
      for (const id of [...this.waiting.keys()]) this.settle(id, { id, outcome });
    };
    // It was not found, or may not be run: nothing was sent, and an operator must act.
    child.on("error", () => ended("misconfigured"));
    // Else what had no answer may have been sent: repeat it with the same id.
    child.on("close", (code) => {
      const neverRan = answers === 0 && NEVER_RAN.includes(code);
      ended(neverRan ? "misconfigured" : "unknown");
    });
    // A process that died takes no more; "close" says so.
    child.stdin.on("error", () => {});
    return child;
  }

  settle(id, response) {
    const entry = this.waiting.get(id);
    this.waiting.delete(id);
    clearTimeout(entry?.timer);
    entry?.resolve(response);
  }
}

// A process that died may leave half of a line: it is no answer.
function read(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

module.exports = { Textsender };

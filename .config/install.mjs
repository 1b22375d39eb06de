// Installs the packages when they are missing or older than the lockfile, and says so in one line. Needs Node alone.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const lockfile = `${root}package-lock.json`;
// npm writes this one last, so half an installation counts as none.
const installed = `${root}node_modules/.package-lock.json`;

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) {
  if (lstatSync(`${root}node_modules`, { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write(
      "node_modules is a symbolic link, and installing would empty what it points to: remove it first\n",
    );
    process.exit(1);
  }
  process.stderr.write("Installing packages and building the XS engine (about a minute, once) ...\n");
  const npm = spawnSync("npm", ["ci", "--loglevel=error", "--no-fund", "--no-audit"], {
    cwd: root,
    encoding: "utf8",
    // Standard input stays with the program that runs next.
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (npm.status !== 0) {
    process.stderr.write(`${npm.stdout ?? ""}${npm.stderr ?? ""}`);
    process.stderr.write(`Installing failed: ${npm.error?.message ?? "npm ci ended with an error, shown above"}\n`);
    process.exit(1);
  }
}

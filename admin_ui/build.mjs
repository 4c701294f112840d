// Bundles frontend/ into static/admin_ui/build/, which git ignores: `node build.mjs`, after `npm ci`.
//
// Every file in frontend/entries becomes one file of the same name; icons.txt names the icons that
// become one sprite. Beside each file lie its .br and .gz, which whitenoise serves.

import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const ENTRIES = join(HERE, "frontend", "entries");
const OUT = join(HERE, "static", "admin_ui", "build");
const ICONS = join(HERE, "node_modules", "@tabler", "icons", "icons", "outline");

await rm(OUT, { recursive: true, force: true });
await build({
  entryPoints: (await readdir(ENTRIES)).map((name) => join(ENTRIES, name)),
  outdir: OUT,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "safari16"],
  legalComments: "linked",
  loader: { ".svg": "text" },
  logLevel: "warning",
});
await writeFile(join(OUT, "icons.svg"), await sprite());
for (const name of await readdir(OUT)) await compress(join(OUT, name));

async function sprite() {
  const names = (await readFile(join(HERE, "frontend", "icons.txt"), "utf8")).split("\n");
  const symbols = names.filter((name) => name && !name.startsWith("#")).map(symbol);
  return `<svg xmlns="http://www.w3.org/2000/svg">${(await Promise.all(symbols)).join("")}</svg>\n`;
}

async function symbol(name) {
  const text = await readFile(join(ICONS, `${name}.svg`), "utf8");
  const shapes = text.slice(text.indexOf("<svg"), text.lastIndexOf("</svg>")).replace(/<svg[^>]*>/, "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
}

async function compress(path) {
  const text = await readFile(path);
  await writeFile(`${path}.br`, brotliCompressSync(text));
  await writeFile(`${path}.gz`, gzipSync(text, { level: 9 }));
}

// Writes the licences of every package in the bundle to `licenses.txt`, and fails the build on one that is not permissive.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MPL-2.0'];

/** `collect` goes into the page's and the workers' builds alike, `write` into the page's, which ends last. */
export function licenses() {
  const folders = new Set();

  const collect = {
    name: 'collect-licenses',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        const sources = file.type === 'chunk' ? file.moduleIds : (file.originalFileNames ?? []);
        sources.map(packageFolder).forEach((folder) => folder && folders.add(folder));
      }
    },
  };

  const write = {
    name: 'write-licenses',
    generateBundle() {
      const packages = [...folders].map(readPackage).sort((a, b) => (a.title < b.title ? -1 : 1));
      const refused = packages.filter((each) => !isPermissive(each.license));
      if (refused.length > 0) {
        this.error(`not permissive: ${refused.map((each) => `${each.title} (${each.license})`).join(', ')}`);
      }
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: print(packages) });
    },
  };

  return { collect, write };
}

/** The folder of the package that a bundled module comes from; null for modules that are ours or the bundler's. */
function packageFolder(moduleId) {
  const path = moduleId.replace(/^\0/, '').replace(/[?#].*$/, '');
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? null;
}

function readPackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((name) => /^(licen[cs]e|notice|third-?party)/i.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim());
  if (texts.length === 0) texts.push(`The package holds no licence text; see ${origin(manifest)}`);
  return { title: `${manifest.name} ${manifest.version}`, license: manifest.license, texts };
}

function origin({ homepage, repository }) {
  return homepage ?? repository?.url ?? repository;
}

/** Of alternatives (`MPL-2.0 OR Apache-2.0`) one is enough. */
function isPermissive(license) {
  return String(license)
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((each) => PERMISSIVE.includes(each.trim()));
}

function print(packages) {
  const rule = '='.repeat(80);
  const parts = packages.map(({ title, license, texts }) => [rule, `${title}: ${license}`, rule, ...texts].join('\n\n'));
  return `This page contains the packages below, each under its own licence.\n\n${parts.join('\n\n')}\n`;
}

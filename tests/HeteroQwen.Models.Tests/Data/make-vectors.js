// Writes tokenizer-fuzz.json, tokenizer-decode.json and tokenizer-long.json beside itself with Hugging Face tokenizers:
//   gzip -dc ../../../src/HeteroQwen.Models/Bundled/qwen3/tokenizer.json.gz > qwen3-tokenizer.json && npm install tokenizers@0.23.2 && node make-vectors.js
const { Tokenizer, nfdNormalizer } = require('tokenizers');
const { createHash } = require('crypto');
const fs = require('fs');

const file = __dirname + '/qwen3-tokenizer.json';
const tokenizer = Tokenizer.fromFile(file);
const added = JSON.parse(fs.readFileSync(file)).added_tokens.map(token => token.content);
let state = 1;
const random = n => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0, Math.floor(state / 4294967296 * n));
const pick = list => list[random(list.length)];
const char = (first, count) => String.fromCodePoint(first + random(count));

const nfd = nfdNormalizer();
const scalars = [...Array(0x110000).keys()].filter(c => c < 0xD800 || c >= 0xE000).map(c => String.fromCodePoint(c));
const decomposing = scalars.filter(c => nfd.normalizeString(c) !== c);
const marks = scalars.filter(c => nfd.normalizeString('a\u0345' + c) !== 'a\u0345' + nfd.normalizeString(c));

const generators = [
  () => char(32, 95), () => pick([...' \n\r\t  \n']), () => pick(decomposing), () => nfd.normalizeString(pick(decomposing)), () => pick(marks),
  () => pick(scalars), () => char(0x4E00, 0x5000), () => char(0x1100, 0x100), () => char(0xAC00, 11172) + char(0x11A7, 30),
  () => pick(added), () => { const a = pick(added); return a.slice(random(a.length), 1 + random(a.length)); },
  () => pick(["'s", "'T", "'RE", "'ve", "'LL", "'\u017F", "'d", '\u017F', "'"]), () => char(97, 26), () => char(48, 10),
  () => pick([...'\u0085\u180E\u200B\u00A0\u2028\u3000\u1680\v\f\uFEFF']), () => char(0x20000, 0x12000), () => char(0x300, 0x70),
  () => char(0x10000, 0x10000), () => char(0, 0x3000),
];
const randomText = () => {
  const chosen = Array.from({ length: 1 + random(5) }, () => pick(generators));
  return Array.from({ length: 4 + random(36) }, () => pick(chosen)()).join('');
};
const randomIds = () => Array.from({ length: 1 + random(12) }, () => pick([[0, 256], [0, 151643], [94, 162], [151643, 26]])).map(([a, n]) => a + random(n));

const encode = async text => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
const decode = async ids => ({ ids, decoded: await tokenizer.decode(ids, false), decoded_skip_special: await tokenizer.decode(ids, true) });
const write = (name, rows) => fs.writeFileSync(`${__dirname}/tokenizer-${name}.json`, '[\n' + rows.map(row => JSON.stringify(row)).join(',\n') + '\n]\n');

async function main() {
  const fuzz = [], decoded = [], long = [];
  for (let i = 0; i < 400; i++) {
    const text = randomText();
    fuzz.push({ text, ...await decode(await encode(text)) });
  }
  for (let i = 0; i < 200; i++) decoded.push(await decode(randomIds()));
  const letters = [...new Set(JSON.parse(fs.readFileSync(__dirname + '/tokenizer-vectors.json')).map(v => v.text).join(''))]
    .filter(c => /\p{L}/u.test(c) && c.normalize('NFC') === c).join('');
  const units = [['a', 255], ['a', 256], ['a', 257], ['a', 5000], ['ab', 3001], ['!', 1000], [' ', 777], ['\n', 300], ['-=', 999],
    ['supercalifragilistic', 200], ['thequickbrownfoxjumpsoverthelazydog', 40], ['中文字', 500], ['\u{20000}', 300], ['e\u0301', 400], [letters, 3]];
  for (const [unit, times] of units) {
    const ids = await encode(unit.repeat(times));
    long.push({ unit, times, count: ids.length, sha256_of_ids_as_i32: createHash('sha256').update(Buffer.from(Int32Array.from(ids).buffer)).digest('hex') });
  }
  write('fuzz', fuzz);
  write('decode', decoded);
  write('long', long);
}

main();

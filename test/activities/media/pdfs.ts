/** PDFs written by hand, harmless and hostile ones. */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

type Part = string | Buffer;

/** @param objects numbered from 1; the first is the catalogue */
export function pdfOf(objects: readonly Part[], trailer = ''): Buffer {
  const parts = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  const offsets: number[] = [];
  let size = parts[0]!.length;
  for (const [index, object] of objects.entries()) {
    const body = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.isBuffer(object) ? object : Buffer.from(object, 'latin1'), Buffer.from('\nendobj\n')]);
    offsets.push(size);
    size += body.length;
    parts.push(body);
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer}>>\nstartxref\n${size}\n%%EOF\n`, 'latin1'));
  return Buffer.concat(parts);
}

const CATALOGUE = '<< /Type /Catalog /Pages 2 0 R >>';
const stream = (body: Buffer, entries = ''): Buffer => Buffer.concat([Buffer.from(`<< /Length ${body.length} ${entries}>>\nstream\n`), body, Buffer.from('\nendstream')]);
const lines = (text: string): Buffer => Buffer.from(text === '' ? '' : `BT /F1 2 Tf 36 756 Td 3 TL ${text.split('\n').map((line) => `(${line}) Tj T*`).join(' ')} ET`, 'latin1');

function document(contents: readonly Buffer[], trailer?: string): Buffer {
  const objects: Part[] = [CATALOGUE, '', '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'];
  const kids: string[] = [];
  for (const content of contents) {
    objects.push(content, `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${objects.length + 1} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`);
    kids.push(`${objects.length} 0 R`);
  }
  objects[1] = `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${kids.length} >>`;
  return pdfOf(objects, trailer);
}

/** A page each; an empty one has no text, as a scanned one. */
export const pagesOf = (...texts: readonly string[]): Buffer => document(texts.map((text) => stream(lines(text))));

/** Nobody has its password: the file's own key opens nothing. */
export const encrypted = (): Buffer => {
  const filler = createHash('sha256').update('nobody').digest('hex');
  return document([stream(lines('secret'))], `/Encrypt << /Filter /Standard /V 1 /R 2 /O <${filler}> /U <${filler}> /P -4 >> /ID [<00> <00>] `);
};

/** A tree of pages whose branches hold the trunk. */
export const loop = (): Buffer =>
  pdfOf([CATALOGUE, '<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 1000000000 >>', '<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 500000000 /Parent 2 0 R >>']);

/** A content that inflates to so many megabytes of spaces. */
export const inflating = (megabytes: number): Buffer => document([stream(deflateSync(Buffer.alloc(megabytes * 1_000_000, 0x20)), '/Filter /FlateDecode ')]);

/** One page whose text never seems to end: up and down the page, since what lies outside of it is not read. */
export const endless = (megabytes: number): Buffer => {
  const line = '1 0 0 1 72 720 Tm (all work and no play) Tj 1 0 0 1 72 700 Tm (makes Jack a dull boy) Tj ';
  return document([stream(deflateSync(Buffer.from(`BT /F1 12 Tf ${line.repeat(Math.ceil((megabytes * 1_000_000) / line.length))} ET`)), '/Filter /FlateDecode ')]);
};

/** A form that draws itself, and itself again. */
export const selfDrawing = (): Buffer =>
  pdfOf([
    CATALOGUE,
    '<< /Type /Pages /Kids [4 0 R] /Count 1 >>',
    stream(Buffer.from('/X Do /X Do'), '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 3 0 R >> >> '),
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 3 0 R /Resources << /XObject << /X 3 0 R >> >> >>',
  ]);

/**
 * What both wire formats need of a prompt before they can write it: images loaded, names and arguments in a shape that
 * providers take.
 */
import type { ModelCall, PromptBlock, PromptMessage, Usage } from '../../core/model.js';
import { SHOWN_IMAGES, estimateTokens } from '../../core/context.js';
import { LIMITS } from '../../core/names.js';
import type { ModelRequest } from '../../core/model.js';

type ImageType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

/** A block with its bytes, or words in the place of an image that cannot be sent. */
export type LoadedBlock = { readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly mime: ImageType; readonly base64: string };

/** `tooLarge`: its bytes */
type LoadedImage = { readonly base64: string } | { readonly tooLarge: number };

/** By hash; not in it: no provider reads such a type, or the store has no such content. */
export type Images = ReadonlyMap<string, LoadedImage>;

export async function loadImages(messages: readonly PromptMessage[], load: (hash: string) => Promise<Uint8Array | undefined>): Promise<Images> {
  const hashes = new Set<string>();
  for (const message of messages) {
    if (message.role === 'assistant') continue;
    for (const block of message.blocks) if (block.type === 'image' && SHOWN_IMAGES.has(block.mime)) hashes.add(block.hash);
  }
  const images = new Map<string, LoadedImage>();
  for (const hash of hashes) {
    const bytes = await load(hash);
    if (!bytes || bytes.length === 0) continue;
    images.set(hash, bytes.length > LIMITS.imageBytes ? { tooLarge: bytes.length } : { base64: Buffer.from(bytes).toString('base64') });
  }
  return images;
}

/** Blank text is left out: Anthropic refuses it and no provider needs it. */
export function loadedBlocks(blocks: readonly PromptBlock[], images: Images): LoadedBlock[] {
  const out: LoadedBlock[] = [];
  for (const block of blocks) {
    if (block.type === 'text') {
      if (block.text.trim() !== '') out.push(block);
      continue;
    }
    const image = images.get(block.hash);
    if (!image) out.push({ type: 'text', text: `[image, ${block.mime}: cannot be shown]` });
    else if ('base64' in image) out.push({ type: 'image', mime: block.mime as ImageType, base64: image.base64 });
    else out.push({ type: 'text', text: `[image, ${block.mime}, ${(image.tooLarge / 1e6).toFixed(1)} MB: too large for the model]` });
  }
  return out;
}

/** A name the model made up must not make the next request invalid: providers take letters, digits, `_` and `-`. */
export const wireName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64) || 'unnamed';

/**
 * @param raw the model's own text of the arguments
 * @returns the call, with `malformed` when the text is no JSON object
 */
export function parseCall(id: string, name: string, raw: string): ModelCall {
  // No arguments at all is how models call a tool that takes none.
  if (raw.trim() === '') return { id, name, args: {} };
  try {
    const parsed: unknown = JSON.parse(raw);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { id, name, args: parsed as Record<string, unknown> };
  } catch {
    // Told below.
  }
  return { id, name, args: {}, malformed: raw };
}

export const isJsonObject = (raw: string): boolean => raw.trim() !== '' && parseCall('', '', raw).malformed === undefined;

/** For servers that count nothing: a guess is better for a budget than zero. */
export function estimateUsage(request: ModelRequest, output: string): Usage {
  let input = estimateTokens(request.system) + estimateTokens(JSON.stringify(request.tools));
  for (const message of request.messages) {
    if (message.role === 'assistant') input += estimateTokens(message.text) + estimateTokens(JSON.stringify(message.calls));
    else for (const block of message.blocks) input += block.type === 'text' ? estimateTokens(block.text) : 1_500;
  }
  return { input, output: estimateTokens(output), cacheRead: 0, cacheWrite: 0 };
}

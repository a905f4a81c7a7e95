/**
 * Recordings as OpenAI's `/audio/transcriptions` takes them. Pure.
 * It goes by the extension of the name it is given: https://developers.openai.com/api/docs/guides/speech-to-text
 */

/** Media type → extension it knows. Opus in Ogg, which every messenger's voice is, passes as `ogg` and not as `opus`. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'audio/flac': 'flac', 'audio/x-flac': 'flac',
  'audio/mp4': 'm4a', 'audio/x-m4a': 'm4a', 'audio/m4a': 'm4a', 'video/mp4': 'mp4',
  'audio/mpeg': 'mp3', 'audio/mp3': 'mp3',
  'audio/ogg': 'ogg', 'application/ogg': 'ogg', 'video/ogg': 'ogg', 'audio/opus': 'ogg',
  'audio/wav': 'wav', 'audio/x-wav': 'wav', 'audio/vnd.wave': 'wav',
  'audio/webm': 'webm', 'video/webm': 'webm',
};

/** OpenAI refuses more than 25 MB, whatever is configured. */
export const MOST_BYTES = 25 * 1024 * 1024;

/** @param mime parameters such as `; codecs=opus` are ignored @returns undefined for a format it does not take */
export const audioName = (mime: string): string | undefined => {
  const extension = EXTENSIONS[mime.replace(/;.*$/, '').trim().toLowerCase()];
  return extension === undefined ? undefined : `audio.${extension}`;
};

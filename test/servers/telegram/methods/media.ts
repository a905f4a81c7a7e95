/** Everything with a file in it, and a place on the map. A caption is text like any other, only shorter. */
import type { Message } from '@grammyjs/types';

import { type MediaDetails, type MediaKind, mediaContent } from '../content.js';
import { fileOf } from '../files.js';
import { badRequest } from '../refusal.js';
import type { Params } from '../schema.js';
import { prepare } from '../sending.js';
import { checkCaption, formatted } from '../text.js';
import { addMessage } from '../world.js';
import { type Method, type MethodContext, type Methods, textOf } from './context.js';

export function captionOf(params: Params): Partial<Message> {
  const { text, entities } = formatted(textOf(params.caption), params.parse_mode, params.caption_entities);
  return { ...(text === '' ? {} : { caption: text }), ...(entities.length === 0 ? {} : { caption_entities: [...entities] }) };
}

const detailsOf = (params: Params): MediaDetails =>
  Object.fromEntries(['duration', 'width', 'height', 'title', 'performer', 'emoji'].filter((name) => params[name] !== undefined).map((name) => [name, params[name]]));

const sends = (kind: MediaKind): Method => ({ world, params, files }: MethodContext) => {
  const caption = captionOf(params);
  const { record, frame } = prepare(world, params);
  checkCaption(caption.caption ?? '');
  const file = fileOf(world, files, kind, params[kind]);
  return addMessage(world, record, world.bot, { ...frame, ...mediaContent(world, kind, file, detailsOf(params)), ...caption });
};

const sendMediaGroup: Method = ({ world, params, files }) => {
  const items = params.media as readonly Params[];
  if (items.length < 2 || items.length > 10) throw badRequest('media group must include 2-10 items');
  const captions = items.map(captionOf);
  const { record, frame } = prepare(world, params);
  for (const { caption } of captions) checkCaption(caption ?? '');
  const contents = items.map((item, at) => {
    const kind = item.type as MediaKind;
    return { ...mediaContent(world, kind, fileOf(world, files, kind, item.media), detailsOf(item)), ...captions[at] };
  });
  const media_group_id = String(13_000_000_000_000_000n + BigInt(world.nextId++));
  return contents.map((content) => addMessage(world, record, world.bot, { ...frame, ...content, media_group_id }));
};

const placeOf = (params: Params): { readonly latitude: number; readonly longitude: number } => {
  const latitude = Number(params.latitude);
  const longitude = Number(params.longitude);
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) throw badRequest('wrong latitude or longitude specified');
  return { latitude, longitude };
};

const sendLocation: Method = ({ world, params }) => {
  const { record, frame } = prepare(world, params);
  return addMessage(world, record, world.bot, { ...frame, location: placeOf(params) });
};

const sendVenue: Method = ({ world, params }) => {
  const { record, frame } = prepare(world, params);
  const location = placeOf(params);
  return addMessage(world, record, world.bot, { ...frame, location, venue: { location, title: String(params.title), address: String(params.address) } });
};

const sendContact: Method = ({ world, params }) => {
  const { record, frame } = prepare(world, params);
  if (String(params.phone_number) === '') throw badRequest('contact phone number is empty');
  if (String(params.first_name) === '') throw badRequest('contact first name is empty');
  return addMessage(world, record, world.bot, { ...frame, contact: { phone_number: String(params.phone_number), first_name: String(params.first_name) } });
};

export const media: Methods = {
  sendPhoto: sends('photo'),
  sendDocument: sends('document'),
  sendVoice: sends('voice'),
  sendAudio: sends('audio'),
  sendVideo: sends('video'),
  sendAnimation: sends('animation'),
  sendVideoNote: sends('video_note'),
  sendSticker: sends('sticker'),
  sendMediaGroup,
  sendLocation,
  sendVenue,
  sendContact,
};

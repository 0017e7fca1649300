// SPDX-License-Identifier: Apache-2.0
//
// A phone in a web page: JsSIP for signalling, WebAudio to tell what is heard. Everything the
// tests use hangs on `window.phone`; arguments and results are plain JSON.

import JsSIP from 'jssip';
import { Ear } from './ear.js';
import { summary } from './stats.js';

// Noise suppression takes a steady tone for noise and removes it.
const MICROPHONE = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const CONNECTION = { iceServers: [], bundlePolicy: 'balanced' };
const CAMERA = { width: 320, height: 240, frameRate: 15 };

class Phone {
  constructor() {
    this.ua = null;
    this.session = null;
    this.ear = new Ear();
    this.events = [];
    this.descriptions = [];
  }

  // Registers; resolves when the registrar has said yes.
  start({ url, uri, password }) {
    this.ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri,
      password,
      register_expires: 300,
      session_timers: false,
      user_agent: 'mediaferry e2e',
    });
    this.ua.on('newRTCSession', ({ originator, session }) => this.adopt(originator, session));
    return new Promise((resolve, reject) => {
      this.ua.on('registered', () => resolve(true));
      this.ua.on('registrationFailed', ({ cause }) => reject(new Error(`register: ${cause}`)));
      this.ua.start();
    });
  }

  // Unregisters, so that no dead contact is left to ring.
  stop() {
    return new Promise((resolve) => {
      this.ua.once('unregistered', () => resolve(true));
      setTimeout(() => resolve(false), 2000);
      this.ua.unregister();
    });
  }

  adopt(originator, session) {
    if (originator === 'remote' && this.session !== null && !this.session.isEnded()) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.session = session;
    this.events = [];
    this.descriptions = [];
    this.note('new', originator);
    for (const name of ['progress', 'accepted', 'confirmed', 'hold', 'unhold']) {
      session.on(name, (event) => this.note(name, event?.originator));
    }
    for (const name of ['ended', 'failed']) {
      session.on(name, ({ cause, originator: by }) => this.note(name, `${by}: ${cause}`));
    }
    session.on('sdp', ({ originator: from, type, sdp }) => {
      this.descriptions.push({ from, type, sdp });
    });
    // The first candidates of the last kind to come are all there will be.
    session.on('icecandidate', ({ candidate, ready }) => {
      const { iceServers } = session.connection.getConfiguration();
      if (candidate.type === (iceServers.length > 0 ? 'relay' : 'host')) setTimeout(ready, 100);
    });
  }

  note(name, detail) {
    this.events.push({ name, detail: detail ?? '', at: Date.now() });
    console.log(`phone: ${name} ${detail ?? ''}`);
  }

  // Options: video, and those of RTCPeerConnection.
  call({ target, video = false, ...options }) {
    this.ua.call(target, {
      mediaConstraints: { audio: MICROPHONE, video: video && CAMERA },
      pcConfig: { ...CONNECTION, ...options },
    });
    return true;
  }

  answer({ video = false, ...options }) {
    this.session.answer({
      // For an INVITE without SDP, where JsSIP would otherwise leave out the microphone.
      rtcOfferConstraints: { offerToReceiveAudio: true },
      mediaConstraints: { audio: MICROPHONE, video: video && CAMERA },
      pcConfig: { ...CONNECTION, ...options },
    });
    return true;
  }

  // The candidates and errors of a connection that goes no further than gathering them.
  async gather(options) {
    const connection = new RTCPeerConnection({ ...CONNECTION, ...options });
    const candidates = [];
    const errors = [];
    connection.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) => {
      errors.push({ url, errorCode, errorText });
    });
    const gathered = new Promise((resolve) => {
      connection.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate === null) resolve();
        else candidates.push(candidate.toJSON());
      });
    });
    connection.createDataChannel('none');
    await connection.setLocalDescription();
    await gathered;
    connection.close();
    return { candidates, errors };
  }

  hangup({ code } = {}) {
    this.session.terminate(code === undefined ? {} : { status_code: code });
    return true;
  }

  hold() {
    return new Promise((resolve) => this.session.hold({}, () => resolve(true)));
  }

  unhold() {
    return new Promise((resolve) => this.session.unhold({}, () => resolve(true)));
  }

  // Digits as telephone events in the media (RFC 4733).
  sendDigits({ digits }) {
    this.session.sendDTMF(digits, { transportType: 'RFC2833', duration: 120, interToneGap: 200 });
    return true;
  }

  restartIce() {
    return new Promise((resolve) => {
      this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, () => resolve(true));
    });
  }

  history() {
    return {
      callId: this.session?._request?.call_id ?? null,
      events: this.events,
      descriptions: this.descriptions,
    };
  }

  // The loudest frequency of the far side's voice just now.
  hear() {
    return this.ear.listen(this.session?.connection);
  }

  async stats() {
    return summary(this.session.connection);
  }
}

window.phone = new Phone();

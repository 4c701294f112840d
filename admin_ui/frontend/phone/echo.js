// The far end of an echo test: this page answers its own call, and sends back what it hears a second
// later. So the sound has gone the whole way of a call, there and back.
const DELAY_S = 1;

export async function answerWithEcho(invitation) {
  const context = new AudioContext();
  const delay = context.createDelay(DELAY_S);
  delay.delayTime.value = DELAY_S;
  const sent = context.createMediaStreamDestination();
  delay.connect(sent);
  invitation.stateChange.addListener((state) => {
    if (state === "Terminated") context.close();
  });
  await invitation.accept({ sessionDescriptionHandlerOptions: { stream: sent.stream } });
  const heard = invitation.sessionDescriptionHandler.remoteMediaStream;
  const pump = Object.assign(new Audio(), { srcObject: heard, muted: true }); // Chrome decodes only what something plays
  pump.play().catch(() => {});
  context.createMediaStreamSource(heard).connect(delay);
}

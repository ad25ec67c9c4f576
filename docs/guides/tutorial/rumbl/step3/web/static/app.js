function u(r){return typeof r=="function"?r:()=>r}function j(r,e){let t=M(e,"");return t.length===0?r:r+(r.includes("?")?"&":"?")+t.join("&")}function M(r,e){return Object.
entries(r).flatMap(([t,n])=>{let o=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?M(n,o):[`${encodeURIComponent(o)}=${encodeURIComponent(String(n))}`]})}var p=class{channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];constructor(e,t,n,o){this.channel=e,this.event=t,this.
payload=n,this.timeout=o}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),this}send(){this.hasReceived("ti\
meout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=null,
this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),this.refEvent=this.channel.replyEventName(
this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.trigger("timeout",{}),this.timeout))}cancelTimeout(){
clearTimeout(this.timeoutTimer)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,response:t})}transmit(){this.sent=!0;let{channel:e}=this,
t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.
topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e;for(let t of this.hooks.filter(({status:n})=>n===e.status))
t.callback(e.response)}cancelRefEvent(){this.refEvent&&this.channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var f=class{callback;delayMs;handle;tries=0;constructor(e,t){this.callback=e,this.delayMs=t}scheduleTimeout(){this.cancel();let e=this.tries+1,t=this.delayMs(e);
return this.handle=setTimeout(()=>{this.tries=e,this.callback()},t),[t,e]}cancel(){clearTimeout(this.handle)}reset(){this.cancel(),this.tries=0}};var y=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=u(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new p(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new f(()=>{n.isConnected()&&this.rejoin()},n.rejoinAfterMs),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoin()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",()=>this.failed()).receive("timeout",()=>this.joinTimedOut()),this.
onClose(()=>this.closed()),this.onError(o=>this.crashed(o)),this.on("phx_reply",(o,i)=>this.trigger(this.replyEventName(i),o))}join(e=this.timeout){if(this.joinedOnce)
throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);return this.timeout=
e,this.joinedOnce=!0,this.rejoin(),this.joinPush}push(e,t={},n=this.timeout){if(!this.joinedOnce)throw new Error(`tried to push "${e}" to "${this.topic}" before\
 joining: call join() first`);let o=new p(this,e,()=>t??{},n);return this.canPush()?(o.send(),o):(o.startTimeout(),o.receive("timeout",()=>{this.pushBuffer=this.
pushBuffer.filter(i=>i!==o)}),this.pushBuffer=[...this.pushBuffer,o],o)}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state=
"leaving";let t=new p(this,"phx_leave",()=>({}),e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),
t.trigger("ok",{}),t}on(e,t){let n=this.bindingRef++;return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:
(this.bindings.get(e)??[]).filter(o=>o.ref!==t);n.length>0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.
on("phx_error",t=>e(t))}onMessage(e,t,n,o){return t}joinRef(){return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:o,ref:i,join_ref:s}=e;if(this.isMember(
t,n,o,s)){for(let a of this.extensions.values())if(a.takes?.(e))return;this.trigger(n,o,i,s)}}isMember(e,t,n,o){return this.topic!==e?!1:!o||o===this.joinRef()?
!0:(this.socket.log("channel","dropping outdated message",{topic:e,event:t,payload:n,joinRef:o}),!1)}trigger(e,t,n=null,o=null){let i=this.onMessage(e,t,n,o);if(t&&
!i)throw new Error("channel onMessage callbacks must return the payload, modified or unmodified");for(let{callback:s}of this.bindings.get(e)??[])s(i,n,o??this.joinRef())}replyEventName(e){
return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state==="closed"}isErrored(){return this.state==="err\
ored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state==="leaving"}joinParams(){let e=this.params();
for(let t of this.extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joining",this.joinPush.
resend(this.timeout))}joined(){this.state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger(
"error",{reason:n instanceof Error?n.message:String(n)})}}failed(){this.state="errored",this.socket.isConnected()&&this.rejoinTimer.scheduleTimeout()}joinTimedOut(){
let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.
socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,
e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var x="base64url.bearer.phx.";function A(r){return["phoenix",x+z(r)]}function R(r){let e=r?.find(t=>t.startsWith(x));return e===void 0?void 0:V(e.slice(x.length))}
function z(r){if(/[^\u0000-\u00ff]/.test(r))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before giving it\
 to the socket");let e=btoa(r).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function V(r){return atob(r.replaceAll("-","\
+").replaceAll("_","/"))}var c={connecting:0,open:1,closing:2,closed:3};var X=100,l=class{skipHeartbeat=!0;timeout=2e4;readyState=c.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;authToken;token=null;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;constructor(e,t){
this.authToken=R(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){return this.
outbox.length}send(e){this.outbox.push(typeof e=="string"?e:Y(e)),!this.posting&&(this.posting=!0,setTimeout(()=>this.post(),0))}close(e=1005,t="",n=!0){this.stop(
c.closed),this.emitClose({code:e,reason:t,wasClean:n})}async poll(){for(;this.live;){let e={Accept:"application/json"};this.authToken!==void 0&&(e["X-Phoenix-Au\
thToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}}receive({status:e,token:t,messages:n=[]}){if(e===410&&this.token!==null){this.fail(
410,3410,"session_gone");return}switch(this.token=t??this.token,e){case 200:for(let o of n)this.inOwnTask(()=>this.onmessage?.({data:o}));break;case 204:break;case 410:
this.inOwnTask(()=>{this.readyState=c.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",c.closed);break;default:this.fail(e||500,1011,"inte\
rnal server error")}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0;){let e=this.outbox.slice(0,X),t=await this.
request("POST",{"Content-Type":"application/x-ndjson"},e.join(`
`));if(!t)return;if(t.status!==200){this.fail(t.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let o=new AbortController;this.requests.add(o);let i=!1,s=setTimeout(()=>{i=!0,o.abort()},this.timeout),
a;try{let h=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:o.signal,cache:"no-store"});a=G(await h.json())}catch{a={status:0}}finally{clearTimeout(
s),this.requests.delete(o)}return i&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,o=c.connecting){if(this.live){this.stop(o);try{this.onerror?.(
e)}finally{this.emitClose({code:t,reason:n,wasClean:!1})}}}stop(e){this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){
this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function G(r){let e=r;return typeof e?.status=="number"?e:{status:0}}function Y(r){let e="";for(let t of new Uint8Array(
r))e+=String.fromCharCode(t);return btoa(e)}var d={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},_=255,v={encode(r,e){let t=O(r.payload);if(t)return e(Q(r,t));let{join_ref:n,ref:o,topic:i,
event:s,payload:a}=r;return e(JSON.stringify([n,o,i,s,a]))},decode(r,e){let t=O(r);if(t)return e(Z(t));if(typeof r!="string")throw new Error('cannot decode a fr\
ame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(r);if(!Array.isArray(n))throw new Error("cannot decode a text fr\
ame that is not a JSON array");let[o,i,s,a,h]=n;return e({join_ref:o,ref:i,topic:s,event:a,payload:h})}};function O(r){if(ArrayBuffer.isView(r))return new Uint8Array(
r.buffer,r.byteOffset,r.byteLength);if(Object.prototype.toString.call(r)==="[object ArrayBuffer]")return new Uint8Array(r)}function Q(r,e){let t=[g("join_ref",r.
join_ref??""),g("ref",r.ref??""),g("topic",r.topic),g("event",r.event)];r.mark!==void 0&&t.push(g("mark",r.mark));let n=1+t.length+t.reduce((s,a)=>s+a.length,0),
o=new Uint8Array(n+e.length);o[0]=r.mark===void 0?d.push:d.markedPush,o.set(t.map(s=>s.length),1);let i=1+t.length;for(let s of t)o.set(s,i),i+=s.length;return o.
set(e,n),o.buffer}function g(r,e){let t=new TextEncoder().encode(e);if(t.length>_)throw new Error(`unable to convert ${r} to binary: must be less than or equal \
to ${_} bytes, but is ${t.length} bytes`);return t}function Z(r){switch(r[0]){case d.push:{let{fields:[e,t,n],payload:o}=m(r,3);return{join_ref:e,ref:null,topic:t,
event:n,payload:o}}case d.reply:{let{fields:[e,t,n,o],payload:i}=m(r,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:o,response:i}}}case d.
broadcast:{let{fields:[e,t],payload:n}=m(r,2);return{join_ref:null,ref:null,topic:e,event:t,payload:n}}case d.keptBroadcast:{let{fields:[e,t,n],payload:o}=m(r,3);
return{join_ref:null,ref:e,topic:t,event:n,payload:o}}case d.keptPush:{let{fields:[e,t,n,o],payload:i}=m(r,4);return{join_ref:e,ref:t,topic:n,event:o,payload:i}}default:
throw new Error(`cannot decode a binary frame of kind ${r[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function m(r,e){
let t=[...r.subarray(1,1+e)],n=1+e;if(t.length<e||r.length<t.reduce((s,a)=>s+a,n))throw new Error(`cannot decode a binary frame of ${r.length} bytes: it is shor\
ter than its header says`);let o=new TextDecoder;return{fields:t.map(s=>o.decode(r.subarray(n,n+=s))),payload:r.slice(n).buffer}}function B(r){ee()&&(window.addEventListener("pagehide",()=>r.hide()),window.addEventListener("pageshow",()=>r.show()),document.addEventListener("visibilitychan\
ge",()=>{S()||r.visible()}))}function S(){return typeof document<"u"&&document.visibilityState==="hidden"}function ee(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in
window&&"addEventListener"in document}var te=5,ne=150,k=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;detached=!1;closedCallbacks=[];constructor(e,t){this.transport=e;
let n=o=>i=>{this.detached||o(i)};e.onopen=n(()=>{this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(o=>t.message(o.data))}isOpen(){
return this.transport.readyState===c.open}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)return;this.closing=!0,P(()=>!e.drain||
!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():this.transport.close(e.code,e.reason??""),
e.closing(),P(()=>this.transport.readyState===c.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)e()}};function P(r,e,t=1){t===te||r()?e():
setTimeout(()=>P(r,e,t+1),ne*t)}function L(){return globalThis.WebSocket}function $(){return globalThis.location}function I(){try{return globalThis.sessionStorage}catch{return}}var H="phx:fallback:LongPoll",T=class{socket;thresholdMs;storage;timer;refs=[];primaryWorked=!1;constructor(e,t,n){this.socket=e,this.thresholdMs=t,this.storage=
n??I()}start(){if(this.cancel(),this.storage?.getItem(H)){this.fallBack("memorized");return}let e=!1,t=this.socket.onError(o=>{e||this.fallBack(o)}),n=this.socket.
onOpen(()=>{e=!0,this.limit("no answer to the ping"),this.socket.ping(o=>{this.socket.log("transport","connected to primary after",o),this.primaryWorked=!0,clearTimeout(
this.timer)})});this.refs=[t,n],this.limit("not open in time");try{this.socket.openTransport()}catch(o){throw this.cancel(),o}}cancel(){clearTimeout(this.timer),
this.socket.off(this.refs),this.refs=[]}limit(e){clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),
this.socket.log("transport","falling back to LongPoll...",e),this.socket.replaceTransport(l);let t=this.socket.onOpen(()=>{this.socket.off([t]),this.socket.log(
"transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem(H,"true")});this.socket.reconnect()}};var w=class{intervalMs;send;onTimeout;timer;pendingRef=null;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(){this.stop(),this.timer=setTimeout(
()=>this.beat(),this.intervalMs)}stop(){clearTimeout(this.timer),this.pendingRef=null}acknowledge(e){e!==null&&e===this.pendingRef&&this.start()}beat(){this.pendingRef=
this.send(),this.timer=setTimeout(()=>{this.pendingRef=null,this.onTimeout()},this.intervalMs)}};var U=1e3,b=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;customEncode;customDecode;fallback;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??L()??l,this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??oe,this.rejoinAfterMs=t.rejoinAfterMs??re,this.binaryType=t.binaryType??
"arraybuffer",this.params=u(t.params??{}),this.authToken=t.authToken===void 0?void 0:u(t.authToken),this.logger=t.logger??(t.debug?(n,o,i)=>console.log(`${n}: ${o}`,
i):null),this.customEncode=t.encode,this.customDecode=t.decode,this.fallback=t.longPollFallbackMs?new T(this,t.longPollFallbackMs,t.sessionStorage):void 0,this.
heartbeat=new w(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.reconnectTimer=new f(()=>this.reconnectUnlessHidden(),this.
reconnectAfterMs),this.followPage()}connect(e){e&&(this.params=u(e)),!(this.connection&&!this.connection.ending)&&(this.fallback&&this.transport!==l?this.fallback.
start():this.openTransport())}disconnect(e,t,n){this.abandon(),this.connection&&(this.connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){
this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(
n,"connection_closed")),t!==e&&this.call("transport",e)}getLongPollTransport(){return l}channel(e,t={}){let n=new y(e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){
let{topic:n,event:o,payload:i,ref:s,join_ref:a}=e;if(this.log("push",`${n} ${o} (${a}, ${s})`,i),this.isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.
filter(h=>h.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.
connection.pings.set(t,()=>e(Date.now()-n)),this.push(W(t)),!0}onOpen(e){return this.addCallback("open",e)}onClose(e){return this.addCallback("close",e)}onError(e){
return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){return this.addCallback("reconnect",e)}onTransport(e){return this.
addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(t))}connectionState(){switch(this.conn?.readyState){case c.connecting:
return"connecting";case c.open:return"open";case c.closing:return"closing";default:return"closed"}}isConnected(){return this.connectionState()==="open"}get conn(){
return this.connection?.transport??null}protocol(){return J(this.endPoint).protocol==="https:"?"wss":"ws"}endPointURL(){let e=j(j(this.endPoint,this.params()),{
vsn:this.vsn});return e.startsWith("/")?e.startsWith("//")?`${this.protocol()}:${e}`:`${this.protocol()}://${J(this.endPoint).host}${e}`:e}makeRef(){return this.
ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}openTransport(){let e=this.
authToken&&A(this.authToken()),t=new this.transport(this.endPointURL(),e);t.binaryType=this.binaryType,t.timeout=this.longpollerTimeout;let n=this.connection;n?.
detach(),this.connectClock++,this.closeWasClean=!1,this.reconnectTimer.cancel();let o=new k(t,{open:()=>this.onConnOpen(),close:i=>this.onConnClose(o,i),error:i=>this.
onConnError(o,i),message:i=>this.onConnMessage(o,i)});this.connection=o,n?.opened&&this.reportLoss(n,"connection_closed")}reconnect(){let e=this.connectClock;this.
teardown(()=>{if(e===this.connectClock)try{this.connect()}catch(t){this.log("transport","cannot connect",t),this.callErrorCallbacks(t),this.scheduleReconnect()}})}remove(e){
this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));
t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,
this.flushSendBuffer(),this.reconnectTimer.reset(),this.conn?.skipHeartbeat||this.heartbeat.start(),this.call("open")}onConnClose(e,t){this.log("transport","clo\
se",t),this.heartbeat.stop(),!e.closing&&t.code===U&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&
this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,o=this.establishedConnections;this.callErrorCallbacks(
t),(n===this.transport||o>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){
let n=!1,o=this.transport===l?v.decode:this.customDecode??v.decode;try{o(t,i=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,i)})}catch(i){if(n)throw i;
this.log("transport","dropping malformed message",i)}}dispatch(e,t){let{topic:n,event:o,payload:i,ref:s,join_ref:a}=t;this.heartbeat.acknowledge(s),this.log("re\
ceive",`${n} ${o} (${a}, ${s})`,i);for(let K of[...this.channels])K.receive(t);if(this.call("message",t),s===null)return;let h=e.pings.get(s);e.pings.delete(s),
h?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(this.transport===
l?v.encode:this.customEncode??v.encode)(e,o=>{t===this.connection&&t?.isOpen()&&t.transport.send(o)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];
for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(o){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,o)}}sendHeartbeat(){
let e=this.makeRef();return this.push(W(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:U,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
this.call("reconnect",...this.reconnectTimer.scheduleTimeout())}reconnectUnlessHidden(){S()?(this.log("transport","not reconnecting while the page is hidden"),this.
teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.fallback?.cancel(),this.reconnectTimer.reset()}teardown(e,t={}){let n=this.
connection;if(!n){e?.();return}this.heartbeat.stop();let{code:o,reason:i,drain:s=!0,loss:a="connection_closed"}=t,h=()=>{n.opened&&this.reportLoss(n,a)};n.close(
{code:o,reason:i,drain:s,closing:h},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=o=>o.isJoined()||o.isJoining();for(let o of this.channels.filter(n))n(o)&&o.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(o=>o.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
B({hide:()=>{!this.connection||this.connection.ending||(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},visible:()=>{this.
isConnected()||this.closeWasClean||(this.reconnectTimer.reset(),this.reconnect())}})}};function W(r){return{join_ref:null,ref:r,topic:"phoenix",event:"heartbeat",
payload:{}}}function oe(r){return[10,50,100,150,200,250,500,1e3,2e3][r-1]??5e3}function re(r){return[1e3,2e3,5e3][r-1]??1e4}function J(r){let e=$();if(!e)throw new Error(
`endpoint "${r}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}function D(r,e,t={}){return r.channel(`videos:${e.id}`,t)}var ie=document.querySelector("#title"),C=document.querySelector("#status"),se=document.querySelector("#video"),ae=document.querySelector("#annotations"),ce=document.
querySelector("form"),q=document.querySelector("#body"),F=new URLSearchParams(location.search).get("name")||`Guest ${Math.ceil(Math.random()*999)}`,le=await fetch(
"/login",{method:"POST",body:new URLSearchParams({name:F})}),N=new b("/socket",{authToken:await le.text()});N.connect();var E=D(N,{id:1});function he({by:r,at:e,
body:t}){let n=ae.appendChild(document.createElement("li"));n.append(`${(e/1e3).toFixed(1)} s `,Object.assign(document.createElement("b"),{textContent:r}),` ${t}`),
n.scrollIntoView()}E.on("annotation_added",he);E.onError(()=>C.textContent="Offline. Trying again …");E.join().receive("ok",r=>{C.textContent=`Online as ${F}.`,
ie.textContent=r.title});ce.addEventListener("submit",r=>{r.preventDefault(),E.push("new_annotation",{at:Math.round(se.currentTime*1e3),body:q.value}).receive("\
ok",()=>q.value="").receive("error",({error:e})=>C.textContent=`Not sent: the annotation ${e}.`).receive("timeout",()=>C.textContent="Not sent: there is no answ\
er.")});

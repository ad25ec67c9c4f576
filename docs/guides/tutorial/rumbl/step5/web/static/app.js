function f(r){return typeof r=="function"?r:()=>r}function R(r,e){let t=$(e,"");return t.length===0?r:r+(r.includes("?")?"&":"?")+t.join("&")}function $(r,e){return Object.
entries(r).flatMap(([t,n])=>{let o=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?$(n,o):[`${encodeURIComponent(o)}=${encodeURIComponent(String(n))}`]})}var p=class{channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];constructor(e,t,n,o){this.channel=e,this.event=t,this.
payload=n,this.timeout=o}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),this}send(){this.hasReceived("ti\
meout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=null,
this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),this.refEvent=this.channel.replyEventName(
this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.trigger("timeout",{}),this.timeout))}cancelTimeout(){
clearTimeout(this.timeoutTimer)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,response:t})}transmit(){this.sent=!0;let{channel:e}=this,
t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.
topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e;for(let t of this.hooks.filter(({status:n})=>n===e.status))
t.callback(e.response)}cancelRefEvent(){this.refEvent&&this.channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var g=class{callback;delayMs;handle;tries=0;constructor(e,t){this.callback=e,this.delayMs=t}scheduleTimeout(){this.cancel();let e=this.tries+1,t=this.delayMs(e);
return this.handle=setTimeout(()=>{this.tries=e,this.callback()},t),[t,e]}cancel(){clearTimeout(this.handle)}reset(){this.cancel(),this.tries=0}};var C=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=f(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new p(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new g(()=>{n.isConnected()&&this.rejoin()},n.rejoinAfterMs),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
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
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var O="base64url.bearer.phx.";function I(r){return["phoenix",O+te(r)]}function J(r){let e=r?.find(t=>t.startsWith(O));return e===void 0?void 0:ne(e.slice(O.length))}
function te(r){if(/[^\u0000-\u00ff]/.test(r))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before giving i\
t to the socket");let e=btoa(r).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function ne(r){return atob(r.replaceAll("-",
"+").replaceAll("_","/"))}var l={connecting:0,open:1,closing:2,closed:3};var oe=100,d=class{skipHeartbeat=!0;timeout=2e4;readyState=l.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;authToken;token=null;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;constructor(e,t){
this.authToken=J(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){return this.
outbox.length}send(e){this.outbox.push(typeof e=="string"?e:ie(e)),!this.posting&&(this.posting=!0,setTimeout(()=>this.post(),0))}close(e=1005,t="",n=!0){this.stop(
l.closed),this.emitClose({code:e,reason:t,wasClean:n})}async poll(){for(;this.live;){let e={Accept:"application/json"};this.authToken!==void 0&&(e["X-Phoenix-Au\
thToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}}receive({status:e,token:t,messages:n=[]}){if(e===410&&this.token!==null){this.fail(
410,3410,"session_gone");return}switch(this.token=t??this.token,e){case 200:for(let o of n)this.inOwnTask(()=>this.onmessage?.({data:o}));break;case 204:break;case 410:
this.inOwnTask(()=>{this.readyState=l.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",l.closed);break;default:this.fail(e||500,1011,"inte\
rnal server error")}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0;){let e=this.outbox.slice(0,oe),t=await this.
request("POST",{"Content-Type":"application/x-ndjson"},e.join(`
`));if(!t)return;if(t.status!==200){this.fail(t.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let o=new AbortController;this.requests.add(o);let i=!1,s=setTimeout(()=>{i=!0,o.abort()},this.timeout),
a;try{let c=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:o.signal,cache:"no-store"});a=re(await c.json())}catch{a={status:0}}finally{clearTimeout(
s),this.requests.delete(o)}return i&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,o=l.connecting){if(this.live){this.stop(o);try{this.onerror?.(
e)}finally{this.emitClose({code:t,reason:n,wasClean:!1})}}}stop(e){this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){
this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function re(r){let e=r;return typeof e?.status=="number"?e:{status:0}}function ie(r){let e="";for(let t of new Uint8Array(
r))e+=String.fromCharCode(t);return btoa(e)}var u={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},H=255,y={encode(r,e){let t=D(r.payload);if(t)return e(se(r,t));let{join_ref:n,ref:o,topic:i,
event:s,payload:a}=r;return e(JSON.stringify([n,o,i,s,a]))},decode(r,e){let t=D(r);if(t)return e(ae(t));if(typeof r!="string")throw new Error('cannot decode a f\
rame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(r);if(!Array.isArray(n))throw new Error("cannot decode a text f\
rame that is not a JSON array");let[o,i,s,a,c]=n;return e({join_ref:o,ref:i,topic:s,event:a,payload:c})}};function D(r){if(ArrayBuffer.isView(r))return new Uint8Array(
r.buffer,r.byteOffset,r.byteLength);if(Object.prototype.toString.call(r)==="[object ArrayBuffer]")return new Uint8Array(r)}function se(r,e){let t=[m("join_ref",
r.join_ref??""),m("ref",r.ref??""),m("topic",r.topic),m("event",r.event)];r.mark!==void 0&&t.push(m("mark",r.mark));let n=1+t.length+t.reduce((s,a)=>s+a.length,
0),o=new Uint8Array(n+e.length);o[0]=r.mark===void 0?u.push:u.markedPush,o.set(t.map(s=>s.length),1);let i=1+t.length;for(let s of t)o.set(s,i),i+=s.length;return o.
set(e,n),o.buffer}function m(r,e){let t=new TextEncoder().encode(e);if(t.length>H)throw new Error(`unable to convert ${r} to binary: must be less than or equal \
to ${H} bytes, but is ${t.length} bytes`);return t}function ae(r){switch(r[0]){case u.push:{let{fields:[e,t,n],payload:o}=v(r,3);return{join_ref:e,ref:null,topic:t,
event:n,payload:o}}case u.reply:{let{fields:[e,t,n,o],payload:i}=v(r,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:o,response:i}}}case u.
broadcast:{let{fields:[e,t],payload:n}=v(r,2);return{join_ref:null,ref:null,topic:e,event:t,payload:n}}case u.keptBroadcast:{let{fields:[e,t,n],payload:o}=v(r,3);
return{join_ref:null,ref:e,topic:t,event:n,payload:o}}case u.keptPush:{let{fields:[e,t,n,o],payload:i}=v(r,4);return{join_ref:e,ref:t,topic:n,event:o,payload:i}}default:
throw new Error(`cannot decode a binary frame of kind ${r[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function v(r,e){
let t=[...r.subarray(1,1+e)],n=1+e;if(t.length<e||r.length<t.reduce((s,a)=>s+a,n))throw new Error(`cannot decode a binary frame of ${r.length} bytes: it is shor\
ter than its header says`);let o=new TextDecoder;return{fields:t.map(s=>o.decode(r.subarray(n,n+=s))),payload:r.slice(n).buffer}}var k=class r{state=b();channel;joinRef=null;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){let n=t.
events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,o=>this.receiveState(o)),e.on(n.diff,o=>this.receiveDiff(o))}onJoin(e){this.joinCallback=
e}onLeave(e){this.leaveCallback=e}onSync(e){this.syncCallback=e}list(e){return e?r.list(this.state,e):r.list(this.state)}inPendingSyncState(){return this.joinRef===
null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=this.channel.joinRef(),this.state=r.syncState(this.state,e,this.joinCallback,this.leaveCallback);
let{joinRef:t,diffs:n}=this.pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let o of n)this.apply(o);this.syncCallback()}receiveDiff(e){if(!this.
inPendingSyncState()){this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]}),this.pending.
diffs.push(e)}apply(e){this.state=r.syncDiff(this.state,e,this.joinCallback,this.leaveCallback)}static syncState(e,t,n,o){let i=Object.assign(b(),e),s=b(),a=b();
for(let[c,h]of Object.entries(t)){let w=j(h.metas,i[c]?.metas??[]);i[c]?w.length>0&&(s[c]={...h,metas:w}):s[c]=h}for(let[c,h]of Object.entries(i)){let w=Object.
hasOwn(t,c)?t[c].metas:[],B=j(h.metas,w);B.length>0&&(a[c]={...h,metas:B})}return r.syncDiff(i,{joins:s,leaves:a},n,o)}static syncDiff(e,t,n=()=>{},o=()=>{}){let i=Object.
getPrototypeOf(e)===null?e:Object.assign(b(),e);for(let[s,a]of Object.entries(t.joins)){let c=i[s];i[s]=c?{...a,metas:[...j(c.metas,a.metas),...a.metas]}:a,n(s,
c,a)}for(let[s,a]of Object.entries(t.leaves)){let c=i[s];if(!c)continue;let h={...c,metas:j(c.metas,a.metas)};i[s]=h,o(s,h,a),h.metas.length===0&&delete i[s]}return i}static list(e,t){
return Object.entries(e).map(([n,o])=>t?t(n,o):o)}};function b(){return Object.create(null)}function j(r,e){let t=new Set(e.map(n=>n.phx_ref));return r.filter(n=>!t.
has(n.phx_ref))}function W(r){ce()&&(window.addEventListener("pagehide",()=>r.hide()),window.addEventListener("pageshow",()=>r.show()),document.addEventListener("visibilitychan\
ge",()=>{A()||r.visible()}))}function A(){return typeof document<"u"&&document.visibilityState==="hidden"}function ce(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in
window&&"addEventListener"in document}var le=5,he=150,x=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;detached=!1;closedCallbacks=[];constructor(e,t){this.transport=e;
let n=o=>i=>{this.detached||o(i)};e.onopen=n(()=>{this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(o=>t.message(o.data))}isOpen(){
return this.transport.readyState===l.open}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)return;this.closing=!0,_(()=>!e.drain||
!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():this.transport.close(e.code,e.reason??""),
e.closing(),_(()=>this.transport.readyState===l.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)e()}};function _(r,e,t=1){t===le||r()?e():
setTimeout(()=>_(r,e,t+1),he*t)}function U(){return globalThis.WebSocket}function q(){return globalThis.location}function F(){try{return globalThis.sessionStorage}catch{return}}var V="phx:fallback:LongPoll",P=class{socket;thresholdMs;storage;timer;refs=[];primaryWorked=!1;constructor(e,t,n){this.socket=e,this.thresholdMs=t,this.storage=
n??F()}start(){if(this.cancel(),this.storage?.getItem(V)){this.fallBack("memorized");return}let e=!1,t=this.socket.onError(o=>{e||this.fallBack(o)}),n=this.socket.
onOpen(()=>{e=!0,this.limit("no answer to the ping"),this.socket.ping(o=>{this.socket.log("transport","connected to primary after",o),this.primaryWorked=!0,clearTimeout(
this.timer)})});this.refs=[t,n],this.limit("not open in time");try{this.socket.openTransport()}catch(o){throw this.cancel(),o}}cancel(){clearTimeout(this.timer),
this.socket.off(this.refs),this.refs=[]}limit(e){clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),
this.socket.log("transport","falling back to LongPoll...",e),this.socket.replaceTransport(d);let t=this.socket.onOpen(()=>{this.socket.off([t]),this.socket.log(
"transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem(V,"true")});this.socket.reconnect()}};var S=class{intervalMs;send;onTimeout;timer;pendingRef=null;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(){this.stop(),this.timer=setTimeout(
()=>this.beat(),this.intervalMs)}stop(){clearTimeout(this.timer),this.pendingRef=null}acknowledge(e){e!==null&&e===this.pendingRef&&this.start()}beat(){this.pendingRef=
this.send(),this.timer=setTimeout(()=>{this.pendingRef=null,this.onTimeout()},this.intervalMs)}};var N=1e3,T=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;customEncode;customDecode;fallback;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??U()??d,this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??de,this.rejoinAfterMs=t.rejoinAfterMs??ue,this.binaryType=t.binaryType??
"arraybuffer",this.params=f(t.params??{}),this.authToken=t.authToken===void 0?void 0:f(t.authToken),this.logger=t.logger??(t.debug?(n,o,i)=>console.log(`${n}: ${o}`,
i):null),this.customEncode=t.encode,this.customDecode=t.decode,this.fallback=t.longPollFallbackMs?new P(this,t.longPollFallbackMs,t.sessionStorage):void 0,this.
heartbeat=new S(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.reconnectTimer=new g(()=>this.reconnectUnlessHidden(),this.
reconnectAfterMs),this.followPage()}connect(e){e&&(this.params=f(e)),!(this.connection&&!this.connection.ending)&&(this.fallback&&this.transport!==d?this.fallback.
start():this.openTransport())}disconnect(e,t,n){this.abandon(),this.connection&&(this.connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){
this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(
n,"connection_closed")),t!==e&&this.call("transport",e)}getLongPollTransport(){return d}channel(e,t={}){let n=new C(e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){
let{topic:n,event:o,payload:i,ref:s,join_ref:a}=e;if(this.log("push",`${n} ${o} (${a}, ${s})`,i),this.isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.
filter(c=>c.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.
connection.pings.set(t,()=>e(Date.now()-n)),this.push(K(t)),!0}onOpen(e){return this.addCallback("open",e)}onClose(e){return this.addCallback("close",e)}onError(e){
return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){return this.addCallback("reconnect",e)}onTransport(e){return this.
addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(t))}connectionState(){switch(this.conn?.readyState){case l.connecting:
return"connecting";case l.open:return"open";case l.closing:return"closing";default:return"closed"}}isConnected(){return this.connectionState()==="open"}get conn(){
return this.connection?.transport??null}protocol(){return z(this.endPoint).protocol==="https:"?"wss":"ws"}endPointURL(){let e=R(R(this.endPoint,this.params()),{
vsn:this.vsn});return e.startsWith("/")?e.startsWith("//")?`${this.protocol()}:${e}`:`${this.protocol()}://${z(this.endPoint).host}${e}`:e}makeRef(){return this.
ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}openTransport(){let e=this.
authToken&&I(this.authToken()),t=new this.transport(this.endPointURL(),e);t.binaryType=this.binaryType,t.timeout=this.longpollerTimeout;let n=this.connection;n?.
detach(),this.connectClock++,this.closeWasClean=!1,this.reconnectTimer.cancel();let o=new x(t,{open:()=>this.onConnOpen(),close:i=>this.onConnClose(o,i),error:i=>this.
onConnError(o,i),message:i=>this.onConnMessage(o,i)});this.connection=o,n?.opened&&this.reportLoss(n,"connection_closed")}reconnect(){let e=this.connectClock;this.
teardown(()=>{if(e===this.connectClock)try{this.connect()}catch(t){this.log("transport","cannot connect",t),this.callErrorCallbacks(t),this.scheduleReconnect()}})}remove(e){
this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));
t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,
this.flushSendBuffer(),this.reconnectTimer.reset(),this.conn?.skipHeartbeat||this.heartbeat.start(),this.call("open")}onConnClose(e,t){this.log("transport","clo\
se",t),this.heartbeat.stop(),!e.closing&&t.code===N&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&
this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,o=this.establishedConnections;this.callErrorCallbacks(
t),(n===this.transport||o>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){
let n=!1,o=this.transport===d?y.decode:this.customDecode??y.decode;try{o(t,i=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,i)})}catch(i){if(n)throw i;
this.log("transport","dropping malformed message",i)}}dispatch(e,t){let{topic:n,event:o,payload:i,ref:s,join_ref:a}=t;this.heartbeat.acknowledge(s),this.log("re\
ceive",`${n} ${o} (${a}, ${s})`,i);for(let h of[...this.channels])h.receive(t);if(this.call("message",t),s===null)return;let c=e.pings.get(s);e.pings.delete(s),
c?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(this.transport===
d?y.encode:this.customEncode??y.encode)(e,o=>{t===this.connection&&t?.isOpen()&&t.transport.send(o)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];
for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(o){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,o)}}sendHeartbeat(){
let e=this.makeRef();return this.push(K(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:N,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
this.call("reconnect",...this.reconnectTimer.scheduleTimeout())}reconnectUnlessHidden(){A()?(this.log("transport","not reconnecting while the page is hidden"),this.
teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.fallback?.cancel(),this.reconnectTimer.reset()}teardown(e,t={}){let n=this.
connection;if(!n){e?.();return}this.heartbeat.stop();let{code:o,reason:i,drain:s=!0,loss:a="connection_closed"}=t,c=()=>{n.opened&&this.reportLoss(n,a)};n.close(
{code:o,reason:i,drain:s,closing:c},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=o=>o.isJoined()||o.isJoining();for(let o of this.channels.filter(n))n(o)&&o.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(o=>o.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
W({hide:()=>{!this.connection||this.connection.ending||(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},visible:()=>{this.
isConnected()||this.closeWasClean||(this.reconnectTimer.reset(),this.reconnect())}})}};function K(r){return{join_ref:null,ref:r,topic:"phoenix",event:"heartbeat",
payload:{}}}function de(r){return[10,50,100,150,200,250,500,1e3,2e3][r-1]??5e3}function ue(r){return[1e3,2e3,5e3][r-1]??1e4}function z(r){let e=q();if(!e)throw new Error(
`endpoint "${r}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}function X(r,e,t){return r.channel(`videos:${e.id}`,t)}var fe=document.querySelector("#title"),M=document.querySelector("#status"),pe=document.querySelector("#video"),ge=document.querySelector("#annotations"),me=document.
querySelector("#viewers"),ve=document.querySelector("form"),G=document.querySelector("#body"),Q=new URLSearchParams(location.search).get("name")||`Guest ${Math.
ceil(Math.random()*999)}`,ye=await fetch("/login",{method:"POST",body:new URLSearchParams({name:Q})}),Z=new T("/socket",{authToken:await ye.text()});Z.connect();
var L=0,E=X(Z,{id:1},()=>({last_seen_id:L}));function ee({id:r,by:e,at:t,body:n}){if(document.getElementById(`annotation-${r}`))return;let o=ge.appendChild(document.
createElement("li"));o.id=`annotation-${r}`,o.append(`${(t/1e3).toFixed(1)} s `,Object.assign(document.createElement("b"),{textContent:e}),` ${n}`),o.scrollIntoView()}
E.on("annotation_added",ee);var Y=new k(E);Y.onSync(()=>{let r=Y.list((e,{metas:t,annotations:n})=>`${e} (on ${t.length} pages, ${n} annotations)`);me.textContent=
`Watching: ${r.join(", ")}`});E.onError(()=>M.textContent="Offline. Trying again …");E.join().receive("ok",r=>{M.textContent=`Online as ${Q}.`,fe.textContent=
r.title,r.annotations.forEach(ee),L=r.annotations.at(-1)?.id??L});ve.addEventListener("submit",r=>{r.preventDefault(),E.push("new_annotation",{at:Math.round(pe.
currentTime*1e3),body:G.value}).receive("ok",()=>G.value="").receive("error",({error:e})=>M.textContent=`Not sent: the annotation ${e}.`).receive("timeout",()=>M.
textContent="Not sent: there is no answer.")});

function v(o){return typeof o=="function"?o:()=>o}function te(o,e){let t=me(e,"");return t.length===0?o:o+(o.includes("?")?"&":"?")+t.join("&")}function me(o,e){
return Object.entries(o).flatMap(([t,n])=>{let i=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?me(n,i):[`${encodeURIComponent(i)}=${encodeURIComponent(String(
n))}`]})}function ne(o){return typeof o?.then=="function"}function ge(o,e,t){let n,i=new Promise((r,s)=>{n=setTimeout(()=>s(new Error(`no ${t} within ${e} ms`)),
e)});return Promise.race([o,i]).finally(()=>clearTimeout(n))}function E(o,e){let t=()=>e(o.reason);return o?.aborted?t():o?.addEventListener("abort",t),()=>o?.removeEventListener("abort",t)}var w=class extends Error{name="\
PushError";status;reason;response;constructor({event:e,channel:t},{status:n,response:i}){let r=String(i?.reason??n);super(`"${e}" to "${t.topic}" ended in "${n}\
": ${r}`),this.status=n,this.reason=r,this.response=i}},u=class{[Symbol.toStringTag]="Push";channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];ending;promise;tell=()=>{};ignoreSignal=()=>{};constructor(e,t,n,i){
this.channel=e,this.event=t,this.payload=n,this.timeout=i}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),
this}then(e,t){return this.promise??=new Promise((n,i)=>this.tellWhenEnded(n,i)),this.promise.then(e,t)}catch(e){return this.then(null,e)}finally(e){return this.
then().finally(e)}send(){this.hasReceived("timeout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),
this.cancelRefEvent(),this.ref=null,this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),
this.refEvent=this.channel.replyEventName(this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.
trigger("timeout",{}),this.timeout))}cancelTimeout(){clearTimeout(this.timeoutTimer)}heed(e){this.ignoreSignal=E(e,t=>this.abort(t))}abort(e){this.cancelTimeout(),
this.cancelRefEvent(),this.end((t,n)=>n(e)),this.drop()}drop(){this.channel.drop(this)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,
response:t})}transmit(){this.sent=!0;let{channel:e}=this,t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,
event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e,
this.end((t,n)=>e.status==="ok"?t(e.response):n(new w(this,e)));for(let t of this.hooks.filter(({status:n})=>n===e.status))t.callback(e.response)}end(e){this.ignoreSignal(),
this.ending??=e,this.tell(this.ending)}tellWhenEnded(...e){let{channel:t}=this,n=()=>queueMicrotask(()=>this.end((r,s)=>s(new w(this,{status:"closed",response:{}})))),
i=t.onClose(n);this.tell=r=>{t.off("phx_close",i),r(...e)},this.ending?this.tell(this.ending):t.isClosed()&&t.joinedOnce&&n()}cancelRefEvent(){this.refEvent&&this.
channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var p=class{callback;schedule;handle;tries=0;constructor(e,t){this.callback=e,this.schedule=t}scheduleTimeout(e=0){this.cancel();let t=this.tries+1,n=Math.round(
Math.max(this.schedule(t),e));return n===1/0?[n,t]:(this.handle=setTimeout(()=>{this.tries=t,this.callback()},n),[n,t])}cancel(){clearTimeout(this.handle)}reset(){
this.cancel(),this.tries=0}};var _=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=v(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new u(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new p(()=>{n.isConnected()&&this.rejoin()},n.rejoinSchedule),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoin()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",i=>this.failed(i?.retry_after_ms)).receive("timeout",()=>this.joinTimedOut()),
this.onClose(()=>this.closed()),this.onError(i=>this.crashed(i)),this.on("phx_reply",(i,r)=>this.trigger(this.replyEventName(r),i))}join(e={}){if(this.joinedOnce)
throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);let{timeout:t=this.
timeout,signal:n}=typeof e=="number"?{timeout:e}:e;this.timeout=t,this.joinedOnce=!0,n?.aborted||this.rejoin();let i=E(n,r=>{this.joinPush.abort(r),this.leave()});
return this.joinPush.receive("ok",i),this.onClose(i),this.joinPush}push(e,t={},n={}){if(!this.joinedOnce)throw new Error(`tried to push "${e}" to "${this.topic}\
" before joining: call join() first`);let{timeout:i=this.timeout,signal:r}=typeof n=="number"?{timeout:n}:n,s=new u(this,e,()=>t??{},i);return r?.aborted||this.
sendOrKeep(s),s.heed(r),s}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state="leaving";let t=new u(this,"phx_leave",()=>({}),
e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),t.trigger("ok",{}),t}on(e,t){let n=this.bindingRef++;
return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:(this.bindings.get(e)??[]).filter(i=>i.ref!==t);n.length>
0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.on("phx_error",t=>e(t))}onMessage(e,t,n,i){return t}joinRef(){
return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:i,ref:r,join_ref:s}=e;if(this.isMember(t,n,i,s)){for(let a of this.extensions.values())if(a.takes?.(
e))return;this.trigger(n,i,r,s)}}isMember(e,t,n,i){return this.topic!==e?!1:!i||i===this.joinRef()?!0:(this.socket.log("channel","dropping outdated message",{topic:e,
event:t,payload:n,joinRef:i}),!1)}trigger(e,t,n=null,i=null){let r=this.onMessage(e,t,n,i);if(t&&!r)throw new Error("channel onMessage callbacks must return the\
 payload, modified or unmodified");for(let{callback:s}of this.bindings.get(e)??[])s(r,n,i??this.joinRef())}drop(e){this.pushBuffer=this.pushBuffer.filter(t=>t!==
e)}replyEventName(e){return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state==="closed"}isErrored(){return this.
state==="errored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state==="leaving"}sendOrKeep(e){if(this.
canPush()){e.send();return}e.startTimeout(),e.receive("timeout",()=>this.drop(e)),this.pushBuffer=[...this.pushBuffer,e]}joinParams(){let e=this.params();for(let t of this.
extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joining",this.joinPush.resend(this.timeout))}joined(){
this.state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger("error",{reason:n instanceof
Error?n.message:String(n)})}}failed(e){this.state="errored",this.socket.isConnected()&&this.rejoinTimer.scheduleTimeout(this.socket.stayAway(e))}joinTimedOut(){
let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.
socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,
e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var y=class o{state=P();channel;joinRef=null;keys;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};updateCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){
let n=t.events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,i=>this.receiveState(i)),e.on(n.diff,i=>this.receiveDiff(i))}onJoin(e){
this.joinCallback=e}onLeave(e){this.leaveCallback=e}onUpdate(e){this.updateCallback=e}onSync(e){this.syncCallback=e}list(e){let{state:t}=this;return this.keys??=
Object.keys(t),this.keys.map(n=>e?e(n,t[n]):t[n])}inPendingSyncState(){return this.joinRef===null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=
this.channel.joinRef(),this.state=o.syncState(this.state,e,this.joinCallback,this.leaveCallback,this.updateCallback),this.keys=void 0;let{joinRef:t,diffs:n}=this.
pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let i of n)this.apply(i);this.syncCallback()}receiveDiff(e){if(!this.inPendingSyncState()){
this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]}),this.pending.diffs.push(e)}apply(e){
let t=i=>!this.state[i],n=Object.keys(e.joins).some(t);this.state=o.syncDiff(this.state,e,this.joinCallback,this.leaveCallback,this.updateCallback),(n||Object.keys(
e.leaves).some(t))&&(this.keys=void 0)}static syncState(e,t,n,i,r){let s=Object.assign(P(),e),a=P(),l=P();for(let[c,d]of Object.entries(t)){let f=L(d.metas,s[c]?.
metas??[]);s[c]?f.length>0&&(a[c]={...d,metas:f}):a[c]=d}for(let[c,d]of Object.entries(s)){let f=Object.hasOwn(t,c)?t[c].metas:[],fe=L(d.metas,f);fe.length>0&&(l[c]=
{...d,metas:fe})}return o.syncDiff(s,{joins:a,leaves:l},n,i,r)}static syncDiff(e,t,n=()=>{},i=()=>{},r=()=>{}){let s=Object.getPrototypeOf(e)===null?e:Object.assign(
P(),e),a=new Map;for(let[l,c]of Object.entries(t.joins)){let d=s[l];d&&a.set(l,d),s[l]=d?{...c,metas:[...L(d.metas,c.metas),...c.metas]}:c,n(l,d,c)}for(let[l,c]of Object.
entries(t.leaves)){let d=s[l];if(!d)continue;let f={...d,metas:L(d.metas,c.metas)};s[l]=f,i(l,f,c),f.metas.length===0?delete s[l]:a.has(l)&&r(l,a.get(l),f)}return s}static list(e,t){
return Object.keys(e).map(n=>t?t(n,e[n]):e[n])}};function P(){return Object.create(null)}function L(o,e){let t=new Set(e.map(n=>n.phx_ref));return o.filter(n=>!t.
has(n.phx_ref))}var b={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},ve=255,ie={encode(o,e){let t=m(o.payload);if(t)return e(We(o,t));let{join_ref:n,ref:i,
topic:r,event:s,payload:a}=o;return e(JSON.stringify([n,i,r,s,a]))},decode(o,e){let t=m(o);if(t)return e(De(t));if(typeof o!="string")throw new Error('cannot de\
code a frame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(o);if(!Array.isArray(n))throw new Error("cannot decode \
a text frame that is not a JSON array");let[i,r,s,a,l]=n;return e({join_ref:i,ref:r,topic:s,event:a,payload:l})}};function m(o){if(ArrayBuffer.isView(o))return new Uint8Array(
o.buffer,o.byteOffset,o.byteLength);if(Object.prototype.toString.call(o)==="[object ArrayBuffer]")return new Uint8Array(o)}function ye(o){let{payload:e}=o,t=m(e?.
response);return{...o,payload:t?{...e,response:t}:m(e)??e}}function We(o,e){let t=[x("join_ref",o.join_ref??""),x("ref",o.ref??""),x("topic",o.topic),x("event",
o.event)];o.mark!==void 0&&t.push(x("mark",o.mark));let n=1+t.length+t.reduce((s,a)=>s+a.length,0),i=new Uint8Array(n+e.length);i[0]=o.mark===void 0?b.push:b.markedPush,
i.set(t.map(s=>s.length),1);let r=1+t.length;for(let s of t)i.set(s,r),r+=s.length;return i.set(e,n),i.buffer}function x(o,e){let t=new TextEncoder().encode(e);
if(t.length>ve)throw new Error(`unable to convert ${o} to binary: must be less than or equal to ${ve} bytes, but is ${t.length} bytes`);return t}function De(o){
switch(o[0]){case b.push:{let{fields:[e,t,n],payload:i}=j(o,3);return{join_ref:e,ref:null,topic:t,event:n,payload:i}}case b.reply:{let{fields:[e,t,n,i],payload:r}=j(
o,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:i,response:r}}}case b.broadcast:{let{fields:[e,t],payload:n}=j(o,2);return{join_ref:null,
ref:null,topic:e,event:t,payload:n}}case b.keptBroadcast:{let{fields:[e,t,n],payload:i}=j(o,3);return{join_ref:null,ref:e,topic:t,event:n,payload:i}}case b.keptPush:{
let{fields:[e,t,n,i],payload:r}=j(o,4);return{join_ref:e,ref:t,topic:n,event:i,payload:r}}default:throw new Error(`cannot decode a binary frame of kind ${o[0]}:\
 known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function j(o,e){let t=[...o.subarray(1,1+e)],n=1+e;if(t.length<e||o.length<
t.reduce((s,a)=>s+a,n))throw new Error(`cannot decode a binary frame of ${o.length} bytes: it is shorter than its header says`);let i=new TextDecoder;return{fields:t.
map(s=>i.decode(o.subarray(n,n+=s))),payload:o.slice(n).buffer}}var oe="base64url.bearer.phx.";function be(o){return["phoenix",oe+qe(o)]}function ke(o){let e=o?.find(t=>t.startsWith(oe));return e===void 0?void 0:Fe(e.slice(oe.
length))}function qe(o){if(/[^\u0000-\u00ff]/.test(o))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before\
 giving it to the socket");let e=btoa(o).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function Fe(o){return atob(o.replaceAll(
"-","+").replaceAll("_","/"))}var h={connecting:0,open:1,closing:2,closed:3};var Ve=5,Ye=150,$=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;began=Date.now();events;detached=!1;closedCallbacks=[];constructor(e,t){
this.events=t,this.transport=e,this.moveTo(e)}moveTo(e){let{events:t}=this;this.transport=e;let n=i=>r=>{!this.detached&&this.transport===e&&i(r)};e.onopen=n(()=>{
this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(i=>t.message(i.data))}isOpen(){return this.transport.readyState===h.open}isFresh(e){
return!this.opened&&!this.closing&&!this.lossReported&&Date.now()-this.began<e}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)
return;this.closing=!0,re(()=>!e.drain||!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():
this.transport.close(e.code,e.reason??""),e.closing(),re(()=>this.transport.readyState===h.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)
e()}};function re(o,e,t=1){t===Ve||o()?e():setTimeout(()=>re(o,e,t+1),Ye*t)}var I=class{intervalMs;send;onTimeout;timer;pendingRef=null;steady=!0;probing=!1;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(e){this.
stop(),this.steady=e,e&&(this.timer=setTimeout(()=>this.beat(this.intervalMs),this.intervalMs))}stop(){clearTimeout(this.timer),this.pendingRef=null,this.probing=
!1}probe(e){this.probing||(this.stop(),this.probing=!0,this.beat(Math.min(e,this.intervalMs)))}acknowledge(e){e!==null&&e===this.pendingRef&&this.start(this.steady)}beat(e){
this.pendingRef=this.send(),this.timer=setTimeout(()=>{this.stop(),this.onTimeout()},e)}};function we(o){if(!ae())return;window.addEventListener("pagehide",o.hide),window.addEventListener("pageshow",o.show),window.addEventListener("online",o.network),
window.addEventListener("offline",o.offline),document.addEventListener("resume",o.wake),document.addEventListener("visibilitychange",()=>{C()||o.wake()});let e=globalThis.
navigator?.connection,t=e?.type;e?.addEventListener?.("change",()=>{t!==e.type&&(t=e.type,se()||o.network())})}function Ce(o){return ae()?(window.addEventListener(
"pagehide",o),()=>window.removeEventListener("pagehide",o)):()=>{}}function C(){return typeof document<"u"&&document.visibilityState==="hidden"}function se(){return ae()&&
typeof navigator<"u"&&navigator.onLine===!1}function ae(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in window&&"addEventListener"in document}function N(){return globalThis.WebSocket}function Te(){return globalThis.location}function Ee(){try{return globalThis.sessionStorage}catch{return}}var Pe=o=>[10,50,100,150,200,250,500,1e3,2e3][o-1]??5e3,xe=o=>[1e3,2e3,5e3][o-1]??1e4;function je(o){return e=>Math.random()*o(e)}function Se(o,e){return typeof o!=
"number"||!(o>0)?0:Math.min(o,3e5)*(e?1+Math.random()/2:1)}function Me(o=""){return Number(/; retry_after_ms=(\d{1,9})$/.exec(o)?.[1]??0)}var Re=1e3,Oe=3e3,ze=5e3,B=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;rejoinSchedule;customEncode;customDecode;uint8Arrays;jitter;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;askedAt=-1;notBefore=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??N()??Ke(),this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??Pe,this.rejoinAfterMs=t.rejoinAfterMs??xe,this.binaryType=t.binaryType??
"arraybuffer",this.params=v(t.params??{}),this.authToken=t.authToken===void 0?void 0:v(t.authToken),this.logger=t.logger??(t.debug?(i,r,s)=>console.log(`${i}: ${r}`,
s):null),this.customEncode=t.encode,this.customDecode=t.decode,this.uint8Arrays=t.uint8Arrays??!1,this.jitter=t.jitter??!0;let n=(i,r)=>i||!this.jitter?r:je(r);
this.rejoinSchedule=n(t.rejoinAfterMs,this.rejoinAfterMs),this.heartbeat=new I(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.
reconnectTimer=new p(()=>this.reconnectUnlessHidden(),n(t.reconnectAfterMs,this.reconnectAfterMs)),this.followPage()}connect(e){if(e&&(this.params=v(e)),this.isUnderWay())
return;let t=[this.params(),this.authToken?.()];t.some(ne)?this.connectLater(Promise.all(t)):this.begin(t)}disconnect(e,t,n){this.abandon(),this.connection&&(this.
connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),
this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(n,"connection_closed")),t!==e&&this.call("transport",e)}channel(e,...[t]){let n=new _(
e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){let{topic:n,event:i,payload:r,ref:s,join_ref:a}=e;if(this.log("push",`${n} ${i} (${a}, ${s})`,r),this.
isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.filter(l=>l.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.
isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.connection.pings.set(t,()=>e(Date.now()-n)),this.push(Ae(t)),!0}onOpen(e){return this.addCallback(
"open",e)}onClose(e){return this.addCallback("close",e)}onError(e){return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){
return this.addCallback("reconnect",e)}onTransport(e){return this.addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(
t))}connectionState(){switch(this.conn?.readyState){case h.connecting:return"connecting";case h.open:return"open";case h.closing:return"closing";default:return"\
closed"}}isConnected(){return this.connectionState()==="open"}get conn(){return this.connection?.transport??null}protocol(){return _e(this.endPoint).protocol===
"https:"?"wss":"ws"}endPointURL(e=this.params()){let t=te(te(this.endPoint,ne(e)?{}:e),{vsn:this.vsn});return t.startsWith("/")?t.startsWith("//")?`${this.protocol()}\
:${t}`:`${this.protocol()}://${_e(this.endPoint).host}${t}`:t}makeRef(){return this.ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){
this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}begin(e){this.openTransport(e)}openTransport([e,t]){let n=t===void 0?void 0:be(t),i=new this.transport(
this.endPointURL(e),n);i.binaryType=this.binaryType,i.timeout=this.longpollerTimeout;let r=this.connection;r?.detach(),this.connectClock++,this.closeWasClean=!1,
this.reconnectTimer.cancel();let s=new $(i,{open:()=>this.onConnOpen(),close:a=>this.onConnClose(s,a),error:a=>this.onConnError(s,a),message:a=>this.onConnMessage(
s,a)});this.connection=s,r?.opened&&this.reportLoss(r,"connection_closed")}reconnect(){let e=this.connectClock;this.teardown(()=>{if(e===this.connectClock)try{this.
connect()}catch(t){this.cannotConnect(t)}})}async connectLater(e){let t=++this.connectClock;this.askedAt=t,this.closeWasClean=!1,this.reconnectTimer.cancel();try{
let n=await ge(e,this.timeout,"params and authToken");t===this.connectClock&&this.begin(n)}catch(n){if(t!==this.connectClock)return;this.askedAt=-1,this.cannotConnect(
n)}}cannotConnect(e){this.log("transport","cannot connect",e),this.callErrorCallbacks(e),this.scheduleReconnect()}isUnderWay(){return this.askedAt===this.connectClock||
this.connection!==null&&!this.connection.ending}stayAway(e){return Se(e,this.jitter)}remove(e){this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==
e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){
this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,this.flushSendBuffer(),this.reconnectTimer.reset(),this.heartbeat.start(!this.
conn?.skipHeartbeat),this.call("open")}onConnClose(e,t){this.log("transport","close",t),this.heartbeat.stop(),this.notBefore=Date.now()+this.stayAway(t.retryAfterMs??
Me(t.reason)),!e.closing&&t.code===Re&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&this.scheduleReconnect(),
this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,i=this.establishedConnections;this.callErrorCallbacks(t),(n===this.transport||
i>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){let n=!1,i=!e.
transport.plain&&this.customDecode||ie.decode;try{i(t,r=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,this.uint8Arrays?ye(r):r)})}catch(r){if(n)throw r;
this.log("transport","dropping malformed message",r)}}dispatch(e,t){let{topic:n,event:i,payload:r,ref:s,join_ref:a}=t;this.heartbeat.acknowledge(s),this.log("re\
ceive",`${n} ${i} (${a}, ${s})`,r);for(let c of[...this.channels])c.receive(t);if(this.call("message",t),s===null)return;let l=e.pings.get(s);e.pings.delete(s),
l?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(!t?.transport.plain&&
this.customEncode||ie.encode)(e,i=>{t===this.connection&&t?.isOpen()&&t.transport.send(i)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];for(let{message:t,
stillWanted:n}of e)if(n())try{this.send(t)}catch(i){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,i)}}sendHeartbeat(){let e=this.
makeRef();return this.push(Ae(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:Re,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
let e=Math.max(this.notBefore-Date.now(),se()?ze:0);this.call("reconnect",...this.reconnectTimer.scheduleTimeout(e))}reconnectUnlessHidden(){C()?(this.log("tran\
sport","not reconnecting while the page is hidden"),this.teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.reconnectTimer.reset()}teardown(e,t={}){
let n=this.connection;if(!n){e?.();return}this.heartbeat.stop();let{code:i,reason:r,drain:s=!0,loss:a="connection_closed"}=t,l=()=>{n.opened&&this.reportLoss(n,
a)};n.close({code:i,reason:r,drain:s,closing:l},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=i=>i.isJoined()||i.isJoining();for(let i of this.channels.filter(n))n(i)&&i.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(i=>i.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
we({hide:()=>{this.isUnderWay()&&(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},wake:()=>this.wake(),network:()=>this.
networkChanged(),offline:()=>this.probe()})}networkChanged(){(this.isConnected()||!C())&&this.wake()}wake(){this.isConnected()?this.probe():!this.closeWasClean&&
Date.now()>=this.notBefore&&!this.connection?.isFresh(Oe)&&(this.reconnectTimer.reset(),this.reconnect())}probe(){this.isConnected()&&this.heartbeat.probe(Oe)}};
function Ae(o){return{join_ref:null,ref:o,topic:"phoenix",event:"heartbeat",payload:{}}}function Ke(){throw new Error("this host has no WebSocket: give the opti\
on transport")}function _e(o){let e=Te();if(!e)throw new Error(`endpoint "${o}" is relative and there is no page it could be relative to: give a full URL such a\
s "wss://example.com/socket"`);return e}var Xe=100,g=class{skipHeartbeat=!0;plain=!0;timeout=2e4;readyState=h.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;endPoint;token=null;canUpgrade=!1;authToken;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;polling=!0;received=0;onPosted;onPolled;constructor(e,t){
this.endPoint=e,this.authToken=ke(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){
return this.outbox.length}send(e){this.outbox.push(e),this.startPosting()}startPosting(){this.posting||this.onPosted||(this.posting=!0,setTimeout(()=>this.post(),
0))}close(e=1005,t="",n=!0){this.stop(h.closed),this.emitClose({code:e,reason:t,wasClean:n})}hold(){return new Promise(e=>{this.onPosted=e,this.posting||e()})}finish(){
return new Promise(e=>{this.onPolled=e})}resume(){this.onPosted=this.onPolled=void 0,this.live&&(this.outbox.length>0&&this.startPosting(),this.polling||this.poll())}release(){
let e=this.outbox;return this.stop(h.closed),e}async poll(){for(this.polling=!0;this.live&&!this.onPolled;){let e={Accept:"application/json"};this.authToken!==void 0&&
(e["X-Phoenix-AuthToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}this.polling=!1,this.inOwnTask(()=>this.onPolled?.(this.received))}receive({
status:e,token:t,messages:n=[],headers:i}){if(e===410&&this.token!==null){this.fail(410,3410,"session_gone",i);return}switch(this.token=t??this.token,e){case 200:
this.received+=n.length;for(let r of n)this.inOwnTask(()=>this.onmessage?.({data:r}));break;case 204:break;case 410:this.canUpgrade=i?.get("roost-upgrade")==="w\
ebsocket",this.inOwnTask(()=>{this.readyState=h.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",i,h.closed);break;default:this.fail(e||500,
1011,"internal server error",i)}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0&&!this.onPosted;){let e=this.
outbox.slice(0,Xe),t=e.map(i=>typeof i=="string"?i:Qe(i)),n=await this.request("POST",{"Content-Type":"application/x-ndjson"},t.join(`
`));if(!n)return;if(n.status!==200){this.fail(n.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1,this.onPosted?.()}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let i=new AbortController;this.requests.add(i);let r=!1,s=setTimeout(()=>{r=!0,i.abort()},this.timeout),
a;try{let l=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:i.signal,cache:"no-store"});a={...Ge(await l.json()),headers:l.headers}}catch{
a={status:0}}finally{clearTimeout(s),this.requests.delete(i)}return r&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,i,r=h.connecting){if(this.
live){this.stop(r);try{this.onerror?.(e)}finally{let s=Number(i?.get("retry-after")??0)*1e3;this.emitClose({code:t,reason:n,wasClean:!1,...s>0&&{retryAfterMs:s}})}}}stop(e){
this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function Ge(o){
let e=o;return typeof e?.status=="number"?e:{status:0}}function Qe(o){let e="";for(let t of new Uint8Array(o))e+=String.fromCharCode(t);return btoa(e)}var Ze=1e4,U=class{longPoll;transport;ended;timer;live=!0;constructor(e,t,n){this.longPoll=e,this.ended=n,this.transport=new t(e.endPoint,["roost.upgrade",`roos\
t.session.${e.token}`]),this.timer=setTimeout(()=>this.fail(),Ze),this.transport.onopen=()=>{this.transport.protocol==="roost.upgrade"?this.transport.send("prob\
e"):this.fail()},this.transport.onmessage=({data:i})=>{i==="probe"?this.handOver():i==="go"?this.succeed():this.fail()},this.transport.onclose=()=>this.fail(),this.
transport.onerror=()=>{}}cancel(){this.live&&(this.live=!1,clearTimeout(this.timer),this.transport.onopen=this.transport.onmessage=this.transport.onclose=null,this.
transport.close(),this.longPoll.resume())}async handOver(){let{longPoll:e,transport:t}=this;if(await e.hold(),!this.live)return;t.send("upgrade");let n=await e.
finish();this.live&&t.send(`go ${n}`)}succeed(){if(this.longPoll.readyState!==h.open){this.fail();return}this.live=!1,clearTimeout(this.timer),this.ended(this.transport)}fail(){
this.live&&(this.cancel(),this.ended(void 0))}};var le="phx:fallback:LongPoll",et=o=>([3e4,6e4,12e4][o-1]??3e5)*(1-Math.random()/2),H=class{socket;thresholdMs;storage;upgradeTimer;timer;refs=[];primaryWorked=!1;primary;upgrade;constructor(e,t,n,i=et){
this.socket=e,this.thresholdMs=t,this.storage=n??Ee(),this.upgradeTimer=new p(()=>this.upgradeNow(),i)}start(e){if(this.cancel(),this.socket.transport===g){this.
watchLongPoll(),this.socket.openTransport(e);return}if(this.storage?.getItem(le)){this.fallBack("memorized");return}let t=!1,n=this.socket.onError(r=>{t||this.fallBack(
r)}),i=this.socket.onOpen(()=>{t=!0,this.limit("no answer to the ping"),this.socket.ping(r=>{this.socket.log("transport","connected to primary after",r),this.primaryWorked=
!0,clearTimeout(this.timer)})});this.refs=[n,i],this.limit("not open in time");try{this.socket.openTransport(e)}catch(r){throw this.cancel(),r}}cancel(){clearTimeout(
this.timer),this.stopUpgrading(),this.socket.off(this.refs),this.refs=[]}upgradeNow(){let{conn:e,decodesPositions:t,marksBytes:n}=this.socket;if(!(!this.primary||
this.upgrade||!(e instanceof g)||!e.canUpgrade)&&!(!t||!n)){if(this.upgradeTimer.cancel(),C()){this.upgradeTimer.scheduleTimeout();return}try{this.upgrade=new U(
e,this.primary,i=>this.upgraded(e,i))}catch(i){this.socket.log("transport","cannot leave LongPoll",i),this.upgradeTimer.scheduleTimeout()}}}limit(e){clearTimeout(
this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),this.socket.log("transport","falling back to LongPoll...",e),
this.primary=this.socket.transport,this.socket.replaceTransport(g),this.socket.reconnect()}watchLongPoll(){if(!this.primary)return;let e=this.socket.onOpen(()=>{
this.socket.log("transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem(le,"true"),this.upgradeTimer.scheduleTimeout()}),t=this.socket.
onClose(()=>this.stopUpgrading());this.refs=[e,t]}upgraded(e,t){this.upgrade=void 0;let{socket:n,primary:i}=this;if(!t||!i){n.log("transport","staying with Long\
Poll"),this.upgradeTimer.scheduleTimeout();return}n.log("transport","going on from LongPoll over the primary transport");let r=e.release();this.cancel(),this.primary=
void 0,this.primaryWorked=!0,this.storage?.setItem(le,""),n.moveTo(t,i);for(let s of r)t.send(s)}stopUpgrading(){this.upgradeTimer.reset(),this.upgrade?.cancel(),
this.upgrade=void 0}};var Le=new WeakMap;function $e(o,e,t){let n=Le.get(o);n||Le.set(o,n=new Map);let i=n.get(e);if(i&&t!==void 0&&!i.hasParams(t)){if(i.holders.size>0)throw new Error(
`"${e}" is shared with other params: leave them out to take part, or use socket.channel() for a conversation of its own`);i.channel.leave(),i=void 0}return i||(i=
new ce(o.channel(e,t),()=>n.delete(e)),n.set(e,i)),new de(i)}var ce=class{channel;holders=new Set;presence;joined;constructor(e,t){this.channel=e,this.presence=
new y(e),e.onClose(t);for(let n of["ok","error","timeout"])e.joinPush.receive(n,i=>this.joinEnded({status:n,response:i}))}hasParams(e){return JSON.stringify(v(e)())===
JSON.stringify(this.channel.params())}catchUp(e){this.channel.isJoined()&&(e.joinEnded(this.joined),queueMicrotask(()=>{this.presence.inPendingSyncState()||e.trigger(
"presence_state",this.presence.state)}))}joinEnded(e){e.status==="ok"&&(this.joined=e);for(let t of[...this.holders])t.joinEnded(e)}leaveSoon(){setTimeout(()=>{
this.holders.size===0&&!this.channel.isClosed()&&this.channel.leave()},0)}},de=class{channel;topic;joinPush;joining=!1;left=!1;conversation;bindings=[];constructor(e){
let{channel:t}=e;this.conversation=e,this.channel=t,this.topic=t.topic,this.joinPush=new u(t,"phx_join",()=>({}),t.timeout),e.holders.add(this)}get state(){return this.
takesPart()?this.channel.state:"closed"}join(e={}){let{topic:t,channel:n,conversation:i,joinPush:r}=this;if(this.joining||this.left)throw new Error(`"${t}" was \
already joined, or left: take part again with socket.share()`);this.joining=!0,n.joinedOnce?i.catchUp(this):n.join(typeof e=="number"?e:{timeout:e.timeout});let s=E(
typeof e=="number"?void 0:e.signal,a=>{r.abort(a),this.leave()});return r.receive("ok",s),this.onClose(s),r}push(e,t,n){if(!this.takesPart())throw new Error(`tr\
ied to push "${e}" to "${this.topic}" before joining, or after leaving`);return this.channel.push(e,t,n)}leave(){let{channel:e,conversation:t,joinPush:n}=this,i=new u(
e,"phx_leave",()=>({}),e.timeout);if(i.settle({status:"ok",response:{}}),this.left)return i;e.isClosed()||this.trigger("phx_close","leave"),this.left=!0;for(let{
event:r,ref:s}of this.bindings)e.off(r,s);return this.bindings=[],n.abort(new w(n,{status:"closed",response:{}})),t.holders.delete(this),t.leaveSoon(),i}on(e,t){
let n=this.channel.on(e,(...i)=>{this.takesPart()&&t(...i)});return this.bindings=[...this.bindings,{event:e,ref:n,callback:t}],n}off(e,t){let n=i=>i.event===e&&
(t===void 0||i.ref===t);for(let i of this.bindings.filter(n))this.channel.off(e,i.ref);this.bindings=this.bindings.filter(i=>!n(i))}onClose(e){return this.on("p\
hx_close",e)}onError(e){return this.on("phx_error",t=>e(t))}joinRef(){return this.channel.joinRef()}joinEnded(e){this.takesPart()&&this.joinPush.settle(e)}trigger(e,t){
if(this.takesPart())for(let n of this.bindings)n.event===e&&n.callback(t,null,this.joinRef())}takesPart(){return this.joining&&!this.left}};var S=class extends B{fallback;constructor(e,t={}){super(e,{...t,transport:t.transport??N()??g}),t.longPollFallbackMs&&(this.fallback=new H(this,t.longPollFallbackMs,
t.sessionStorage,t.upgradeAfterMs))}share(e,t){return $e(this,e,t)}getLongPollTransport(){return g}moveTo(e,t){e.binaryType=this.binaryType,this.connection?.moveTo(
e),this.transport=t,this.heartbeat.start(!0),this.call("transport",t)}begin(e){this.fallback?this.fallback.start(e):super.begin(e)}networkChanged(){super.networkChanged(),
this.fallback?.upgradeNow()}abandon(){this.fallback?.cancel(),super.abandon()}};function J(o,e,t,n){let{topic:i,extensions:r,joinPush:s}=o;if(o.joinedOnce)throw new Error(`channel "${i}" has joined already: make its ${e} before`);if(r.has(t))
throw new Error(`channel "${i}" has its ${e} already`);r.size===0&&s.receive("ok",a=>tt(r,a)),r.set(t,n)}function W(o,e,t,n){if(m(e))throw new Error(`the join p\
arams of "${o.topic}" are bytes, to which "${t}" cannot be added: use an object`);return{...e,[t]:n}}function tt(o,e){let t=[...o].map(([n,i])=>{let r=e?.[n];return r!==
void 0&&delete e[n],{extension:i,told:r}});for(let{extension:n,told:i}of t)n.joined(i,e)}var D="_once",nt=32,M=class{channel;limit;maxBytes;waiting=new Map;lastNumber=0;session;joinRef=null;paused=!1;pauseTimer;constructor(e,t={}){J(e,"Outbox",D,this),
this.channel=e,this.limit=t.limit??100,this.maxBytes=t.maxBytes??64e3,this.pauseTimer=new p(()=>this.resume(),ot),e.onClose(()=>{this.pauseTimer.reset(),this.giveUp(
"closed")})}get size(){return this.waiting.size}push(e,t={},n={}){let{channel:i,limit:r,waiting:s}=this;if(!i.joinedOnce)throw new Error(`tried to push "${e}" t\
o "${i.topic}" before joining: call join() first`);if(s.size>=r)throw new Error(`cannot push "${e}" to "${i.topic}": ${r} pushes wait for their answers, and tha\
t is the limit`);let{timeout:a=1/0,signal:l}=typeof n=="number"?{timeout:n}:n,c=new he(this,this.lastNumber+1,e,it(this,e,t),a);return l?.aborted||this.keep(c),
c.heed(l),c}ask(e){return W(this.channel,e,D,this.session===void 0?!0:{session:this.session})}joined(e){e?.kept||this.giveUp(),this.session=e?.session,this.joinRef=
this.channel.joinRef(),this.pauseTimer.reset(),this.resume()}get done(){let[e]=this.waiting.keys();return e-1}settles(e,{status:t,response:n}){return t==="error"&&
n?.[D]==="again"?(e.refused(),this.paused||this.pauseTimer.scheduleTimeout(),this.paused=!0,!1):(this.waiting.delete(e.number),this.paused||this.pauseTimer.reset(),
this.flush(),!0)}forget(e){this.waiting.delete(e.number)&&this.flush()}keep(e){this.lastNumber=e.number,this.waiting.set(e.number,e),this.channel.isClosed()?this.
giveUp("closed"):this.flush()}resume(){this.paused=!1,this.flush()}flush(){let{channel:e,joinRef:t,waiting:n}=this;if(this.paused||!e.canPush()||t!==e.joinRef())
return;this.session===void 0&&this.giveUp("not_supported");let i=0;for(let r of n.values()){if(i++===nt)return;if(r.sentIn!==t)try{r.send()}catch(s){this.fail(r,
s instanceof Error?s.message:String(s))}}}giveUp(e){for(let t of this.waiting.values()){let n=t.unanswered>0?"outcome_unknown":e;n&&this.fail(t,n)}}fail(e,t){this.
waiting.delete(e.number),queueMicrotask(()=>e.trigger("error",{reason:t}))}},he=class extends u{number;sentIn=null;unanswered=0;outbox;constructor(e,t,n,i,r){super(
e.channel,n,()=>i,r),this.outbox=e,this.number=t,this.startTimeout()}send(){this.transmit(),this.sentIn=this.channel.joinRef(),this.unanswered++}refused(){this.
sentIn=null,this.unanswered--}drop(){this.outbox.forget(this)}message(){let e=super.message(),t={id:this.number,done:this.outbox.done};return m(e.payload)?{...e,
mark:JSON.stringify(t)}:{...e,payload:{...e.payload,[D]:t}}}settle(e){this.outbox.settles(this,e)&&super.settle(e)}};function it({channel:o,maxBytes:e},t,n){let i=m(
n)?.slice();if(i&&!o.socket.marksBytes)throw new Error(`cannot mark the bytes of "${t}": the socket has an encode of its own, which has no room for it`);let r=i?
"":JSON.stringify(n)??"";if(!i&&!r.startsWith("{"))throw new Error(`cannot mark the payload of "${t}": it must be an object, or bytes`);let s=i?i.length:new TextEncoder().
encode(r).length;if(s>e)throw new Error(`cannot push "${t}": its payload of ${s} bytes is larger than maxBytes, ${e}`);return i??JSON.parse(r)}function ot(o){return[
50,100,200,500,1e3,2e3][o-1]??5e3}var q=class{storage;key;topic;unwritten;timer;constructor(e,t,n){this.storage=e,this.key=t,this.topic=n}read(){let e=this.load().get(this.topic);return typeof e==
"string"?e:void 0}save(e){this.unwritten=e,this.timer??=setTimeout(()=>this.flush(),1e3)}flush(){this.unwritten!==void 0&&this.write(this.unwritten)}forget(){this.
write(void 0)}write(e){clearTimeout(this.timer),this.timer=this.unwritten=void 0;let t=this.load(),n=t.delete(this.topic);if(e!==void 0)t.set(this.topic,e);else if(!n)
return;let i=[...t].slice(-100);try{this.storage.setItem(this.key,JSON.stringify(i))}catch{}}load(){try{return new Map(JSON.parse(this.storage.getItem(this.key)??
"[]"))}catch{return new Map}}};var ue="_history",R=class{channel;position;stored;recoveredCallback=()=>{};gapCallback=()=>{};constructor(e,t={}){J(e,"Recovery",ue,this),this.channel=e,t.storage&&
(this.stored=this.openStorage(t.storage,t.scope??"")),this.position=this.stored?.read()}onRecovered(e){this.recoveredCallback=e}onGap(e){this.gapCallback=e}ask(e){
return W(this.channel,e,ue,{after:this.position,binary:this.channel.socket.decodesPositions})}takes(e){let{ref:t,event:n,payload:i}=e;if(!rt(t))return!1;if(!this.
channel.isJoined())return!0;if(this.moveTo(t),n!==ue)return!1;let{recovered:r,skipped:s}=i;return r!==void 0&&this.recoveredCallback(r),s&&this.gapCallback(void 0),
!0}joined(e,t){let n=e?e.recovered===!1:this.position!==void 0;this.moveTo(e?.position),n&&this.gapCallback(t)}moveTo(e){this.position=e,e===void 0?this.stored?.
forget():this.stored?.save(e)}openStorage(e,t){let{channel:n}=this,i=new q(e,`roost:${n.socket.endPoint}:${t}`,n.topic),r=Ce(()=>i.flush());return n.onClose(()=>{
r(),i.forget()}),i}};function rt(o){return Number.isNaN(Number(o??0))}function F(o,e){let t=document.createElement("span");return t.className=`avatar tint-${o%6}`,t.setAttribute("aria-hidden","true"),t.textContent=([...e][0]??"?").
toUpperCase(),t}function O(o){let e=Math.floor(o/1e3),t=s=>String(s).padStart(2,"0"),[n,i,r]=[Math.floor(e/3600),Math.floor(e/60)%60,e%60];return n>0?`${n}:${t(
i)}:${t(r)}`:`${i}:${t(r)}`}var V=class{constructor(e,t){this.player=e;this.outbox=t;this.form.addEventListener("submit",n=>{n.preventDefault(),this.send()}),this.input.addEventListener("i\
nput",()=>{this.input.value===""?this.begunAt=null:this.begunAt??=this.player.now(),this.showTime()}),e.onChange(()=>this.showTime()),this.showTime()}player;outbox;form=document.
querySelector("#annotation-form");input=document.querySelector("#annotation-body");submit=this.form.querySelector("button");at=document.querySelector("#annotati\
on-at");problem=document.querySelector("#annotation-problem");begunAt=null;online(){this.showProblem("")}send(){let e=this.input.value.trim();if(!(e===""||this.
submit.disabled)){if(!this.outbox.channel.isJoined()){this.fail("You are offline. Your text stays here until you are back.");return}this.showProblem(""),this.submit.
disabled=!0,this.outbox.push("new_annotation",{at:this.begunAt??this.player.now(),body:e}).receive("ok",()=>this.sent(e)).receive("error",t=>this.fail(st(t)))}}sent(e){
this.submit.disabled=!1,this.input.value.trim()===e&&(this.input.value=""),this.begunAt=null,this.showTime()}fail(e){this.submit.disabled=!1,this.showProblem(e)}showProblem(e){
this.problem.textContent=e,this.problem.hidden=e===""}showTime(){this.at.textContent=O(this.begunAt??this.player.now())}};function st({reason:o,field:e,error:t}){
return e&&t?`${e==="body"?"Your text":e} ${t}.`:o==="rate limited"||o==="busy"?"That was too fast. Wait a moment and try again.":o==="outcome_unknown"||o==="cra\
shed"?"Perhaps that was kept. If it does not appear in the list, send it again.":"That could not be kept. Try again in a moment."}var at=5e3,Y=class{constructor(e,t){this.player=e;this.viewerId=t;this.progress.className="progress",this.timeline.append(this.progress),this.timeline.addEventListener(
"click",n=>{let{left:i,width:r}=this.timeline.getBoundingClientRect();this.length>0&&e.seek(Math.round(this.length*(n.clientX-i)/r))}),e.onChange(()=>this.follow())}player;viewerId;ids=new Set;items=[];list=document.
querySelector("#annotations");empty=document.querySelector("#annotations-empty");number=document.querySelector("#annotation-count");timeline=document.querySelector(
"#timeline");caption=document.querySelector("#caption");progress=document.createElement("span");captioned;length=0;add(e){for(let t of e)this.ids.has(t.id)||(this.
ids.add(t.id),this.insert(t));this.number.textContent=this.items.length>0?String(this.items.length):"",this.empty.hidden=this.items.length>0,this.empty.textContent=
"Nothing yet. Play the video, and be the first to say something.",this.follow()}insert(e){let t={annotation:e,row:this.row(e),mark:document.createElement("span")},
n=this.items.length;for(;n>0&&lt(e,this.items[n-1].annotation);)n--;this.list.insertBefore(t.row,this.items[n]?.row??null),this.items.splice(n,0,t),t.mark.className=
`mark tint-${e.user.id%6}`,this.timeline.append(t.mark),this.place(t)}row(e){let{id:t,at:n,user:i,body:r}=e,s=document.createElement("li");s.dataset.id=String(t),
s.dataset.at=String(n),s.dataset.testid="annotation",s.tabIndex=-1;let a=document.createElement("button");a.type="button",a.className="time",a.textContent=O(n),
a.setAttribute("aria-label",`Go to ${O(n)}`),a.addEventListener("click",()=>this.player.seek(n));let l=document.createElement("span");l.className="name",l.textContent=
i.id===this.viewerId?`${i.name} (you)`:i.name;let c=document.createElement("p");return c.className="body",c.dataset.testid="annotation-text",c.textContent=r,s.append(
a,F(i.id,i.name),l,c),s}follow(){let e=this.player.now();if(this.player.length()!==this.length){this.length=this.player.length();for(let n of this.items)this.place(
n)}this.progress.style.inlineSize=this.length>0?`${100*e/this.length}%`:"0";let t;for(let n of this.items){let{at:i}=n.annotation,r=i<=e&&e<i+at;n.row.classList.
toggle("current",r),n.mark.classList.toggle("current",r),r&&(t=n)}this.showCaption(t)}showCaption(e){if(e===this.captioned||(this.captioned=e,this.caption.hidden=
!e,!e))return;let{user:t,body:n}=e.annotation,i=document.createElement("strong");i.textContent=t.name,this.caption.replaceChildren(i," ",n),this.scrollTo(e.row)}scrollTo(e){
if(this.list.matches(":hover, :focus-within"))return;let t=e.offsetTop-this.list.offsetTop-(this.list.clientHeight-e.clientHeight)/2;this.list.scrollTo({top:t,behavior:matchMedia(
"(prefers-reduced-motion: reduce)").matches?"auto":"smooth"})}place({annotation:e,mark:t}){t.hidden=this.length===0||e.at>this.length,t.hidden||(t.style.insetInlineStart=
`${100*e.at/this.length}%`)}};function lt(o,e){return o.at<e.at||o.at===e.at&&o.id<e.id}var z=class{banner=document.querySelector("#offline");text=document.querySelector("#offline-text");logIn=document.querySelector("#offline-login");node=document.
querySelector("#node");failures=0;online(e){this.failures=0,this.banner.hidden=!0,this.node.hidden=e===void 0,this.node.textContent=`node ${e}`}offline(){this.banner.
hidden=!1,this.node.hidden=!0}failed(){this.offline(),++this.failures%4===0&&this.checkSession()}async checkSession(){let t=(await fetch("/session",{cache:"no-s\
tore"}).catch(()=>null))?.status===401;this.text.textContent=t?"You are logged out.":"You are offline. Reconnecting…",this.logIn.hidden=!t}};function Ie(o,e,t){return o.channel(`videos:${e.id}`,t)}function K(o){let e=document.createElement("p");return e.className="notice",e.setAttribute("role","status"),e.textContent=`${o} You can still read the annotatio\
ns.`,e}var X=class{constructor(e){this.video=e;e.error?this.fail():e.addEventListener("error",()=>this.fail())}video;now(){return Math.round(this.video.currentTime*1e3)}length(){
let e=this.video.duration;return Number.isFinite(e)?Math.round(e*1e3):0}seek(e){this.video.currentTime=e/1e3}onChange(e){for(let t of["timeupdate","seeking","du\
rationchange","ended"])this.video.addEventListener(t,e)}fail(){this.video.replaceWith(K("This video cannot be played. It may have moved."))}};var ct="https://www.youtube.com/iframe_api",dt=250,G=class{player=null;callbacks=[];last=-1;constructor(e,t){window.onYouTubeIframeAPIReady=()=>{let i=new window.
YT.Player(e,{host:"https://www.youtube-nocookie.com",videoId:t,playerVars:{origin:location.origin,playsinline:1,rel:0},events:{onReady:()=>this.ready(i)}})};let n=document.
createElement("script");n.src=ct,n.addEventListener("error",()=>document.getElementById(e)?.replaceWith(K("YouTube cannot be reached."))),document.head.append(n)}now(){
return Math.round((this.player?.getCurrentTime()??0)*1e3)}length(){return Math.round((this.player?.getDuration()??0)*1e3)}seek(e){this.player?.seekTo(e/1e3,!0)}onChange(e){
this.callbacks.push(e)}ready(e){this.player=e,setInterval(()=>this.tick(),dt),this.tell()}tick(){let e=this.now();e!==this.last&&(this.last=e,this.tell())}tell(){
for(let e of this.callbacks)e()}};function Ne(o,e){return o==="youtube"?new G("youtube-player",e):new X(document.querySelector("#video"))}var Q=class{constructor(e,t){this.viewerId=t;this.presence=new y(e),this.presence.onSync(()=>this.show())}viewerId;list=document.querySelector("#viewers");number=document.
querySelector("#viewer-count");presence;show(){let e=this.presence.list((t,{metas:n})=>({id:Number(t),name:n[0]?.name??"",pages:n.length}));e.sort((t,n)=>+(n.id===
this.viewerId)-+(t.id===this.viewerId)||t.name.localeCompare(n.name)),this.list.replaceChildren(...e.map(({id:t,name:n,pages:i})=>this.row(t,n,i))),this.number.
textContent=String(e.length)}row(e,t,n){let i=document.createElement("li");i.dataset.userId=String(e),i.dataset.sessions=String(n),i.dataset.testid="viewer";let r=document.
createElement("span");if(r.className="name",r.textContent=e===this.viewerId?`${t} (you)`:t,i.append(F(e,t),r),n>1){let s=document.createElement("span");s.className=
"times",s.textContent=`×${n}`,s.setAttribute("aria-label",`on ${n} pages`),i.append(s)}return i}};var T=document.querySelector("#watch").dataset,Be=Number(T.userId),Ue=Ne(T.sourceKind,T.sourceRef),A=new z,He=new Y(Ue,Be),Z=0,pe=!1,ee=new S(T.socketUrl,{authToken:T.
socketToken}),k=Ie(ee,{id:T.videoId},()=>({last_seen_id:Z}));new R(k);var ht=new M(k);function Je(o){He.add(o.annotations),Z=o.annotations.at(-1)?.id??Z,pe=o.more,
pe&&k.push("more_annotations",{last_seen_id:Z}).receive("ok",Je)}k.on("annotation_added",o=>He.add([o]));new Q(k,Be);var ut=new V(Ue,ht);ee.onClose(()=>A.offline());
ee.onError(()=>A.failed());k.onError(()=>A.offline());k.join().receive("ok",o=>{A.online(o.node),ut.online(),Je({...o,more:o.more||pe})}).receive("error",()=>A.
offline());ee.connect();

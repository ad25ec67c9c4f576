function m(o){return typeof o=="function"?o:()=>o}function L(o,e){let t=F(e,"");return t.length===0?o:o+(o.includes("?")?"&":"?")+t.join("&")}function F(o,e){return Object.
entries(o).flatMap(([t,n])=>{let i=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?F(n,i):[`${encodeURIComponent(i)}=${encodeURIComponent(String(n))}`]})}var u=class{channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];constructor(e,t,n,i){this.channel=e,this.event=t,this.
payload=n,this.timeout=i}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),this}send(){this.hasReceived("ti\
meout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=null,
this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),this.refEvent=this.channel.replyEventName(
this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.trigger("timeout",{}),this.timeout))}cancelTimeout(){
clearTimeout(this.timeoutTimer)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,response:t})}transmit(){this.sent=!0;let{channel:e}=this,
t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.
topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e;for(let t of this.hooks.filter(({status:n})=>n===e.status))
t.callback(e.response)}cancelRefEvent(){this.refEvent&&this.channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var f=class{callback;delayMs;handle;tries=0;constructor(e,t){this.callback=e,this.delayMs=t}scheduleTimeout(){this.cancel();let e=this.tries+1,t=this.delayMs(e);
return this.handle=setTimeout(()=>{this.tries=e,this.callback()},t),[t,e]}cancel(){clearTimeout(this.handle)}reset(){this.cancel(),this.tries=0}};var S=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=m(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new u(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new f(()=>{n.isConnected()&&this.rejoin()},n.rejoinAfterMs),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoin()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",()=>this.failed()).receive("timeout",()=>this.joinTimedOut()),this.
onClose(()=>this.closed()),this.onError(i=>this.crashed(i)),this.on("phx_reply",(i,s)=>this.trigger(this.replyEventName(s),i))}join(e=this.timeout){if(this.joinedOnce)
throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);return this.timeout=
e,this.joinedOnce=!0,this.rejoin(),this.joinPush}push(e,t={},n=this.timeout){if(!this.joinedOnce)throw new Error(`tried to push "${e}" to "${this.topic}" before\
 joining: call join() first`);let i=new u(this,e,()=>t??{},n);return this.canPush()?(i.send(),i):(i.startTimeout(),i.receive("timeout",()=>{this.pushBuffer=this.
pushBuffer.filter(s=>s!==i)}),this.pushBuffer=[...this.pushBuffer,i],i)}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state=
"leaving";let t=new u(this,"phx_leave",()=>({}),e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),
t.trigger("ok",{}),t}on(e,t){let n=this.bindingRef++;return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:
(this.bindings.get(e)??[]).filter(i=>i.ref!==t);n.length>0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.
on("phx_error",t=>e(t))}onMessage(e,t,n,i){return t}joinRef(){return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:i,ref:s,join_ref:r}=e;if(this.isMember(
t,n,i,r)){for(let a of this.extensions.values())if(a.takes?.(e))return;this.trigger(n,i,s,r)}}isMember(e,t,n,i){return this.topic!==e?!1:!i||i===this.joinRef()?
!0:(this.socket.log("channel","dropping outdated message",{topic:e,event:t,payload:n,joinRef:i}),!1)}trigger(e,t,n=null,i=null){let s=this.onMessage(e,t,n,i);if(t&&
!s)throw new Error("channel onMessage callbacks must return the payload, modified or unmodified");for(let{callback:r}of this.bindings.get(e)??[])r(s,n,i??this.joinRef())}replyEventName(e){
return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state==="closed"}isErrored(){return this.state==="err\
ored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state==="leaving"}joinParams(){let e=this.params();
for(let t of this.extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joining",this.joinPush.
resend(this.timeout))}joined(){this.state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger(
"error",{reason:n instanceof Error?n.message:String(n)})}}failed(){this.state="errored",this.socket.isConnected()&&this.rejoinTimer.scheduleTimeout()}joinTimedOut(){
let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.
socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,
e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var I="base64url.bearer.phx.";function V(o){return["phoenix",I+de(o)]}function z(o){let e=o?.find(t=>t.startsWith(I));return e===void 0?void 0:ue(e.slice(I.length))}
function de(o){if(/[^\u0000-\u00ff]/.test(o))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before giving i\
t to the socket");let e=btoa(o).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function ue(o){return atob(o.replaceAll("-",
"+").replaceAll("_","/"))}var l={connecting:0,open:1,closing:2,closed:3};var fe=100,d=class{skipHeartbeat=!0;timeout=2e4;readyState=l.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;authToken;token=null;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;constructor(e,t){
this.authToken=z(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){return this.
outbox.length}send(e){this.outbox.push(typeof e=="string"?e:ge(e)),!this.posting&&(this.posting=!0,setTimeout(()=>this.post(),0))}close(e=1005,t="",n=!0){this.stop(
l.closed),this.emitClose({code:e,reason:t,wasClean:n})}async poll(){for(;this.live;){let e={Accept:"application/json"};this.authToken!==void 0&&(e["X-Phoenix-Au\
thToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}}receive({status:e,token:t,messages:n=[]}){if(e===410&&this.token!==null){this.fail(
410,3410,"session_gone");return}switch(this.token=t??this.token,e){case 200:for(let i of n)this.inOwnTask(()=>this.onmessage?.({data:i}));break;case 204:break;case 410:
this.inOwnTask(()=>{this.readyState=l.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",l.closed);break;default:this.fail(e||500,1011,"inte\
rnal server error")}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0;){let e=this.outbox.slice(0,fe),t=await this.
request("POST",{"Content-Type":"application/x-ndjson"},e.join(`
`));if(!t)return;if(t.status!==200){this.fail(t.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let i=new AbortController;this.requests.add(i);let s=!1,r=setTimeout(()=>{s=!0,i.abort()},this.timeout),
a;try{let c=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:i.signal,cache:"no-store"});a=pe(await c.json())}catch{a={status:0}}finally{clearTimeout(
r),this.requests.delete(i)}return s&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,i=l.connecting){if(this.live){this.stop(i);try{this.onerror?.(
e)}finally{this.emitClose({code:t,reason:n,wasClean:!1})}}}stop(e){this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){
this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function pe(o){let e=o;return typeof e?.status=="number"?e:{status:0}}function ge(o){let e="";for(let t of new Uint8Array(
o))e+=String.fromCharCode(t);return btoa(e)}var p={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},X=255,k={encode(o,e){let t=g(o.payload);if(t)return e(me(o,t));let{join_ref:n,ref:i,topic:s,
event:r,payload:a}=o;return e(JSON.stringify([n,i,s,r,a]))},decode(o,e){let t=g(o);if(t)return e(ve(t));if(typeof o!="string")throw new Error('cannot decode a f\
rame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(o);if(!Array.isArray(n))throw new Error("cannot decode a text f\
rame that is not a JSON array");let[i,s,r,a,c]=n;return e({join_ref:i,ref:s,topic:r,event:a,payload:c})}};function g(o){if(ArrayBuffer.isView(o))return new Uint8Array(
o.buffer,o.byteOffset,o.byteLength);if(Object.prototype.toString.call(o)==="[object ArrayBuffer]")return new Uint8Array(o)}function me(o,e){let t=[y("join_ref",
o.join_ref??""),y("ref",o.ref??""),y("topic",o.topic),y("event",o.event)];o.mark!==void 0&&t.push(y("mark",o.mark));let n=1+t.length+t.reduce((r,a)=>r+a.length,
0),i=new Uint8Array(n+e.length);i[0]=o.mark===void 0?p.push:p.markedPush,i.set(t.map(r=>r.length),1);let s=1+t.length;for(let r of t)i.set(r,s),s+=r.length;return i.
set(e,n),i.buffer}function y(o,e){let t=new TextEncoder().encode(e);if(t.length>X)throw new Error(`unable to convert ${o} to binary: must be less than or equal \
to ${X} bytes, but is ${t.length} bytes`);return t}function ve(o){switch(o[0]){case p.push:{let{fields:[e,t,n],payload:i}=b(o,3);return{join_ref:e,ref:null,topic:t,
event:n,payload:i}}case p.reply:{let{fields:[e,t,n,i],payload:s}=b(o,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:i,response:s}}}case p.
broadcast:{let{fields:[e,t],payload:n}=b(o,2);return{join_ref:null,ref:null,topic:e,event:t,payload:n}}case p.keptBroadcast:{let{fields:[e,t,n],payload:i}=b(o,3);
return{join_ref:null,ref:e,topic:t,event:n,payload:i}}case p.keptPush:{let{fields:[e,t,n,i],payload:s}=b(o,4);return{join_ref:e,ref:t,topic:n,event:i,payload:s}}default:
throw new Error(`cannot decode a binary frame of kind ${o[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function b(o,e){
let t=[...o.subarray(1,1+e)],n=1+e;if(t.length<e||o.length<t.reduce((r,a)=>r+a,n))throw new Error(`cannot decode a binary frame of ${o.length} bytes: it is shor\
ter than its header says`);let i=new TextDecoder;return{fields:t.map(r=>i.decode(o.subarray(n,n+=r))),payload:o.slice(n).buffer}}function P(o,e,t,n){let{topic:i,extensions:s,joinPush:r}=o;if(o.joinedOnce)throw new Error(`channel "${i}" has joined already: make its ${e} before`);if(s.has(t))
throw new Error(`channel "${i}" has its ${e} already`);s.size===0&&r.receive("ok",a=>ye(s,a)),s.set(t,n)}function M(o,e,t,n){if(g(e))throw new Error(`the join p\
arams of "${o.topic}" are bytes, to which "${t}" cannot be added: use an object`);return{...e,[t]:n}}function ye(o,e){let t=[...o].map(([n,i])=>{let s=e?.[n];return s!==
void 0&&delete e[n],{extension:i,told:s}});for(let{extension:n,told:i}of t)n.joined(i,e)}var R="_once",be=32,w=class{channel;limit;maxBytes;waiting=new Map;lastNumber=0;session;joinRef=null;paused=!1;pauseTimer;constructor(e,t={}){P(e,"Outbox",R,this),
this.channel=e,this.limit=t.limit??100,this.maxBytes=t.maxBytes??64e3,this.pauseTimer=new f(()=>this.resume(),we),e.onClose(()=>{this.pauseTimer.reset(),this.giveUp(
"closed")})}get size(){return this.waiting.size}push(e,t={},n=1/0){let{channel:i,limit:s,waiting:r}=this;if(!i.joinedOnce)throw new Error(`tried to push "${e}" \
to "${i.topic}" before joining: call join() first`);if(r.size>=s)throw new Error(`cannot push "${e}" to "${i.topic}": ${s} pushes wait for their answers, and th\
at is the limit`);let a=new J(this,this.lastNumber+1,e,ke(this,e,t),n);return this.lastNumber++,r.set(a.number,a),i.isClosed()?this.giveUp("closed"):this.flush(),
a}ask(e){return M(this.channel,e,R,this.session===void 0?!0:{session:this.session})}joined(e){e?.kept||this.giveUp(),this.session=e?.session,this.joinRef=this.channel.
joinRef(),this.pauseTimer.reset(),this.resume()}get done(){let[e]=this.waiting.keys();return e-1}settles(e,{status:t,response:n}){return t==="error"&&n?.[R]==="\
again"?(e.refused(),this.paused||this.pauseTimer.scheduleTimeout(),this.paused=!0,!1):(this.waiting.delete(e.number),this.paused||this.pauseTimer.reset(),this.flush(),
!0)}resume(){this.paused=!1,this.flush()}flush(){let{channel:e,joinRef:t,waiting:n}=this;if(this.paused||!e.canPush()||t!==e.joinRef())return;this.session===void 0&&
this.giveUp("not_supported");let i=0;for(let s of n.values()){if(i++===be)return;if(s.sentIn!==t)try{s.send()}catch(r){this.fail(s,r instanceof Error?r.message:
String(r))}}}giveUp(e){for(let t of this.waiting.values()){let n=t.unanswered>0?"outcome_unknown":e;n&&this.fail(t,n)}}fail(e,t){this.waiting.delete(e.number),queueMicrotask(
()=>e.trigger("error",{reason:t}))}},J=class extends u{number;sentIn=null;unanswered=0;outbox;constructor(e,t,n,i,s){super(e.channel,n,()=>i,s),this.outbox=e,this.
number=t,this.startTimeout()}send(){this.transmit(),this.sentIn=this.channel.joinRef(),this.unanswered++}refused(){this.sentIn=null,this.unanswered--}message(){
let e=super.message(),t={id:this.number,done:this.outbox.done};return g(e.payload)?{...e,mark:JSON.stringify(t)}:{...e,payload:{...e.payload,[R]:t}}}settle(e){this.
outbox.settles(this,e)&&super.settle(e)}};function ke({channel:o,maxBytes:e},t,n){let i=g(n)?.slice();if(i&&!o.socket.marksBytes)throw new Error(`cannot mark th\
e bytes of "${t}": the socket has an encode of its own, which has no room for it`);let s=i?"":JSON.stringify(n)??"";if(!i&&!s.startsWith("{"))throw new Error(`c\
annot mark the payload of "${t}": it must be an object, or bytes`);let r=i?i.length:new TextEncoder().encode(s).length;if(r>e)throw new Error(`cannot push "${t}\
": its payload of ${r} bytes is larger than maxBytes, ${e}`);return i??JSON.parse(s)}function we(o){return[50,100,200,500,1e3,2e3][o-1]??5e3}var E=class o{state=T();channel;joinRef=null;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){let n=t.
events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,i=>this.receiveState(i)),e.on(n.diff,i=>this.receiveDiff(i))}onJoin(e){this.joinCallback=
e}onLeave(e){this.leaveCallback=e}onSync(e){this.syncCallback=e}list(e){return e?o.list(this.state,e):o.list(this.state)}inPendingSyncState(){return this.joinRef===
null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=this.channel.joinRef(),this.state=o.syncState(this.state,e,this.joinCallback,this.leaveCallback);
let{joinRef:t,diffs:n}=this.pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let i of n)this.apply(i);this.syncCallback()}receiveDiff(e){if(!this.
inPendingSyncState()){this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]}),this.pending.
diffs.push(e)}apply(e){this.state=o.syncDiff(this.state,e,this.joinCallback,this.leaveCallback)}static syncState(e,t,n,i){let s=Object.assign(T(),e),r=T(),a=T();
for(let[c,h]of Object.entries(t)){let x=O(h.metas,s[c]?.metas??[]);s[c]?x.length>0&&(r[c]={...h,metas:x}):r[c]=h}for(let[c,h]of Object.entries(s)){let x=Object.
hasOwn(t,c)?t[c].metas:[],q=O(h.metas,x);q.length>0&&(a[c]={...h,metas:q})}return o.syncDiff(s,{joins:r,leaves:a},n,i)}static syncDiff(e,t,n=()=>{},i=()=>{}){let s=Object.
getPrototypeOf(e)===null?e:Object.assign(T(),e);for(let[r,a]of Object.entries(t.joins)){let c=s[r];s[r]=c?{...a,metas:[...O(c.metas,a.metas),...a.metas]}:a,n(r,
c,a)}for(let[r,a]of Object.entries(t.leaves)){let c=s[r];if(!c)continue;let h={...c,metas:O(c.metas,a.metas)};s[r]=h,i(r,h,a),h.metas.length===0&&delete s[r]}return s}static list(e,t){
return Object.entries(e).map(([n,i])=>t?t(n,i):i)}};function T(){return Object.create(null)}function O(o,e){let t=new Set(e.map(n=>n.phx_ref));return o.filter(n=>!t.
has(n.phx_ref))}function K(o){G()&&(window.addEventListener("pagehide",()=>o.hide()),window.addEventListener("pageshow",()=>o.show()),document.addEventListener("visibilitychang\
e",()=>{H()||o.visible()}))}function Y(o){return G()?(window.addEventListener("pagehide",o),()=>window.removeEventListener("pagehide",o)):()=>{}}function H(){return typeof document<
"u"&&document.visibilityState==="hidden"}function G(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in window&&"addEventListener"in document}var A=class{storage;key;topic;unwritten;timer;constructor(e,t,n){this.storage=e,this.key=t,this.topic=n}read(){let e=this.load().get(this.topic);return typeof e==
"string"?e:void 0}save(e){this.unwritten=e,this.timer??=setTimeout(()=>this.flush(),1e3)}flush(){this.unwritten!==void 0&&this.write(this.unwritten)}forget(){this.
write(void 0)}write(e){clearTimeout(this.timer),this.timer=this.unwritten=void 0;let t=this.load(),n=t.delete(this.topic);if(e!==void 0)t.set(this.topic,e);else if(!n)
return;let i=[...t].slice(-100);try{this.storage.setItem(this.key,JSON.stringify(i))}catch{}}load(){try{return new Map(JSON.parse(this.storage.getItem(this.key)??
"[]"))}catch{return new Map}}};var D="_history",j=class{channel;position;stored;recoveredCallback=()=>{};gapCallback=()=>{};constructor(e,t={}){P(e,"Recovery",D,this),this.channel=e,t.storage&&
(this.stored=this.openStorage(t.storage,t.scope??"")),this.position=this.stored?.read()}onRecovered(e){this.recoveredCallback=e}onGap(e){this.gapCallback=e}ask(e){
return M(this.channel,e,D,{after:this.position,binary:this.channel.socket.decodesPositions})}takes(e){let{ref:t,event:n,payload:i}=e;if(!Te(t))return!1;if(!this.
channel.isJoined())return!0;if(this.moveTo(t),n!==D)return!1;let{recovered:s,skipped:r}=i;return s!==void 0&&this.recoveredCallback(s),r&&this.gapCallback(void 0),
!0}joined(e,t){let n=e?e.recovered===!1:this.position!==void 0;this.moveTo(e?.position),n&&this.gapCallback(t)}moveTo(e){this.position=e,e===void 0?this.stored?.
forget():this.stored?.save(e)}openStorage(e,t){let{channel:n}=this,i=new A(e,`roost:${n.socket.endPoint}:${t}`,n.topic),s=Y(()=>i.flush());return n.onClose(()=>{
s(),i.forget()}),i}};function Te(o){return Number.isNaN(Number(o??0))}var Ee=5,je=150,_=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;detached=!1;closedCallbacks=[];constructor(e,t){this.transport=e;
let n=i=>s=>{this.detached||i(s)};e.onopen=n(()=>{this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(i=>t.message(i.data))}isOpen(){
return this.transport.readyState===l.open}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)return;this.closing=!0,N(()=>!e.drain||
!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():this.transport.close(e.code,e.reason??""),
e.closing(),N(()=>this.transport.readyState===l.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)e()}};function N(o,e,t=1){t===Ee||o()?e():
setTimeout(()=>N(o,e,t+1),je*t)}function Q(){return globalThis.WebSocket}function Z(){return globalThis.location}function ee(){try{return globalThis.sessionStorage}catch{return}}var te="phx:fallback:LongPoll",$=class{socket;thresholdMs;storage;timer;refs=[];primaryWorked=!1;constructor(e,t,n){this.socket=e,this.thresholdMs=t,this.storage=
n??ee()}start(){if(this.cancel(),this.storage?.getItem(te)){this.fallBack("memorized");return}let e=!1,t=this.socket.onError(i=>{e||this.fallBack(i)}),n=this.socket.
onOpen(()=>{e=!0,this.limit("no answer to the ping"),this.socket.ping(i=>{this.socket.log("transport","connected to primary after",i),this.primaryWorked=!0,clearTimeout(
this.timer)})});this.refs=[t,n],this.limit("not open in time");try{this.socket.openTransport()}catch(i){throw this.cancel(),i}}cancel(){clearTimeout(this.timer),
this.socket.off(this.refs),this.refs=[]}limit(e){clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),
this.socket.log("transport","falling back to LongPoll...",e),this.socket.replaceTransport(d);let t=this.socket.onOpen(()=>{this.socket.off([t]),this.socket.log(
"transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem(te,"true")});this.socket.reconnect()}};var B=class{intervalMs;send;onTimeout;timer;pendingRef=null;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(){this.stop(),this.timer=setTimeout(
()=>this.beat(),this.intervalMs)}stop(){clearTimeout(this.timer),this.pendingRef=null}acknowledge(e){e!==null&&e===this.pendingRef&&this.start()}beat(){this.pendingRef=
this.send(),this.timer=setTimeout(()=>{this.pendingRef=null,this.onTimeout()},this.intervalMs)}};var ne=1e3,C=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;customEncode;customDecode;fallback;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??Q()??d,this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??Ce,this.rejoinAfterMs=t.rejoinAfterMs??xe,this.binaryType=t.binaryType??
"arraybuffer",this.params=m(t.params??{}),this.authToken=t.authToken===void 0?void 0:m(t.authToken),this.logger=t.logger??(t.debug?(n,i,s)=>console.log(`${n}: ${i}`,
s):null),this.customEncode=t.encode,this.customDecode=t.decode,this.fallback=t.longPollFallbackMs?new $(this,t.longPollFallbackMs,t.sessionStorage):void 0,this.
heartbeat=new B(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.reconnectTimer=new f(()=>this.reconnectUnlessHidden(),this.
reconnectAfterMs),this.followPage()}connect(e){e&&(this.params=m(e)),!(this.connection&&!this.connection.ending)&&(this.fallback&&this.transport!==d?this.fallback.
start():this.openTransport())}disconnect(e,t,n){this.abandon(),this.connection&&(this.connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){
this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(
n,"connection_closed")),t!==e&&this.call("transport",e)}getLongPollTransport(){return d}channel(e,t={}){let n=new S(e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){
let{topic:n,event:i,payload:s,ref:r,join_ref:a}=e;if(this.log("push",`${n} ${i} (${a}, ${r})`,s),this.isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.
filter(c=>c.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.
connection.pings.set(t,()=>e(Date.now()-n)),this.push(ie(t)),!0}onOpen(e){return this.addCallback("open",e)}onClose(e){return this.addCallback("close",e)}onError(e){
return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){return this.addCallback("reconnect",e)}onTransport(e){return this.
addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(t))}connectionState(){switch(this.conn?.readyState){case l.connecting:
return"connecting";case l.open:return"open";case l.closing:return"closing";default:return"closed"}}isConnected(){return this.connectionState()==="open"}get conn(){
return this.connection?.transport??null}protocol(){return oe(this.endPoint).protocol==="https:"?"wss":"ws"}endPointURL(){let e=L(L(this.endPoint,this.params()),
{vsn:this.vsn});return e.startsWith("/")?e.startsWith("//")?`${this.protocol()}:${e}`:`${this.protocol()}://${oe(this.endPoint).host}${e}`:e}makeRef(){return this.
ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}openTransport(){let e=this.
authToken&&V(this.authToken()),t=new this.transport(this.endPointURL(),e);t.binaryType=this.binaryType,t.timeout=this.longpollerTimeout;let n=this.connection;n?.
detach(),this.connectClock++,this.closeWasClean=!1,this.reconnectTimer.cancel();let i=new _(t,{open:()=>this.onConnOpen(),close:s=>this.onConnClose(i,s),error:s=>this.
onConnError(i,s),message:s=>this.onConnMessage(i,s)});this.connection=i,n?.opened&&this.reportLoss(n,"connection_closed")}reconnect(){let e=this.connectClock;this.
teardown(()=>{if(e===this.connectClock)try{this.connect()}catch(t){this.log("transport","cannot connect",t),this.callErrorCallbacks(t),this.scheduleReconnect()}})}remove(e){
this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));
t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,
this.flushSendBuffer(),this.reconnectTimer.reset(),this.conn?.skipHeartbeat||this.heartbeat.start(),this.call("open")}onConnClose(e,t){this.log("transport","clo\
se",t),this.heartbeat.stop(),!e.closing&&t.code===ne&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&
this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,i=this.establishedConnections;this.callErrorCallbacks(
t),(n===this.transport||i>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){
let n=!1,i=this.transport===d?k.decode:this.customDecode??k.decode;try{i(t,s=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,s)})}catch(s){if(n)throw s;
this.log("transport","dropping malformed message",s)}}dispatch(e,t){let{topic:n,event:i,payload:s,ref:r,join_ref:a}=t;this.heartbeat.acknowledge(r),this.log("re\
ceive",`${n} ${i} (${a}, ${r})`,s);for(let h of[...this.channels])h.receive(t);if(this.call("message",t),r===null)return;let c=e.pings.get(r);e.pings.delete(r),
c?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(this.transport===
d?k.encode:this.customEncode??k.encode)(e,i=>{t===this.connection&&t?.isOpen()&&t.transport.send(i)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];
for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(i){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,i)}}sendHeartbeat(){
let e=this.makeRef();return this.push(ie(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:ne,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
this.call("reconnect",...this.reconnectTimer.scheduleTimeout())}reconnectUnlessHidden(){H()?(this.log("transport","not reconnecting while the page is hidden"),this.
teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.fallback?.cancel(),this.reconnectTimer.reset()}teardown(e,t={}){let n=this.
connection;if(!n){e?.();return}this.heartbeat.stop();let{code:i,reason:s,drain:r=!0,loss:a="connection_closed"}=t,c=()=>{n.opened&&this.reportLoss(n,a)};n.close(
{code:i,reason:s,drain:r,closing:c},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=i=>i.isJoined()||i.isJoining();for(let i of this.channels.filter(n))n(i)&&i.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(i=>i.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
K({hide:()=>{!this.connection||this.connection.ending||(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},visible:()=>{this.
isConnected()||this.closeWasClean||(this.reconnectTimer.reset(),this.reconnect())}})}};function ie(o){return{join_ref:null,ref:o,topic:"phoenix",event:"heartbea\
t",payload:{}}}function Ce(o){return[10,50,100,150,200,250,500,1e3,2e3][o-1]??5e3}function xe(o){return[1e3,2e3,5e3][o-1]??1e4}function oe(o){let e=Z();if(!e)throw new Error(
`endpoint "${o}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}function se(o,e,t){return o.channel(`videos:${e.id}`,t)}var Se=document.querySelector("#title"),W=document.querySelector("#status"),Pe=document.querySelector("#video"),Me=document.querySelector("#annotations"),Re=document.
querySelector("#viewers"),Oe=document.querySelector("form"),re=document.querySelector("#body"),ce=new URLSearchParams(location.search).get("name")||`Guest ${Math.
ceil(Math.random()*999)}`,Ae=await fetch("/login",{method:"POST",body:new URLSearchParams({name:ce})}),le=new C("/socket",{authToken:await Ae.text()});le.connect();
var U=0,v=se(le,{id:1},()=>({last_seen_id:U}));new j(v);var _e=new w(v);function he({id:o,by:e,at:t,body:n}){if(document.getElementById(`annotation-${o}`))return;
let i=Me.appendChild(document.createElement("li"));i.id=`annotation-${o}`,i.append(`${(t/1e3).toFixed(1)} s `,Object.assign(document.createElement("b"),{textContent:e}),
` ${n}`),i.scrollIntoView()}v.on("annotation_added",he);var ae=new E(v);ae.onSync(()=>{let o=ae.list((e,{metas:t,annotations:n})=>`${e} (on ${t.length} pages, ${n}\
 annotations)`);Re.textContent=`Watching: ${o.join(", ")}`});v.onError(()=>W.textContent="Offline. Trying again …");v.join().receive("ok",o=>{W.textContent=`O\
nline as ${ce}.`,Se.textContent=o.title,o.annotations.forEach(he),U=o.annotations.at(-1)?.id??U});Oe.addEventListener("submit",o=>{o.preventDefault(),_e.push("n\
ew_annotation",{at:Math.round(Pe.currentTime*1e3),body:re.value}).receive("ok",()=>re.value="").receive("error",({error:e,reason:t})=>W.textContent=`Not sent: ${e??
t}.`)});

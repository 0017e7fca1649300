/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ng/json.h"

/* Reads a dictionary written with ' for ". */
struct fixture {
    struct ng_arena arena;
    struct call_command command;
    struct ng_ignored ignored;
};

static struct fixture read_options(const char *dictionary)
{
    static char json[8192];
    struct fixture f = {.ignored = {.words = ""}};
    struct ng_value *in = NULL;
    size_t len = strlen(dictionary);
    assert_true(len < sizeof(json));
    for (size_t i = 0; i <= len; i++)
        json[i] = dictionary[i] == '\'' ? '"' : dictionary[i];
    ng_arena_init(&f.arena, 1 << 20);
    if (json_parse(text_from(json), &f.arena, &in) != JSON_OK)
        fail_msg("no dictionary: %s", json);
    ng_options_read(in, &f.arena, &f.command, &f.ignored);
    return f;
}

/* --- flags as text, so that a row of a table can hold them --- */

static char printed[4096];

__attribute__((format(printf, 1, 2))) static void print(const char *format, ...)
{
    size_t used = strlen(printed);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(printed + used, sizeof(printed) - used, format, arguments);
    va_end(arguments);
}

static void print_bool(const char *name, bool value)
{
    if (value)
        print("%s ", name);
}

static void print_text(const char *name, struct text value)
{
    if (value.len > 0)
        print("%s=%.*s ", name, TEXT_ARG(value));
}

static void print_int(const char *name, int value, int usual)
{
    if (value != usual)
        print("%s=%d ", name, value);
}

static void print_names(const char *name, const struct call_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        print("%s=%.*s ", name, TEXT_ARG(names->names[i]));
}

static void print_addresses(const struct call_flags *f)
{
    char ip[ADDRESS_TEXT_SIZE];
    print_text("from_interface", f->from_interface);
    print_text("to_interface", f->to_interface);
    print_int("family", (int)f->address_family, ADDRESS_NONE);
    print_text("media_address", f->media_address);
    if (f->received_from.family != ADDRESS_NONE)
        print("received_from=%s ", address_ip_text(&f->received_from, ip));
    print_bool("trust_address", f->trust_address);
    print_bool("sip_source_address", f->sip_source_address);
    print_bool("asymmetric", f->asymmetric);
    print_bool("strict_source", f->strict_source);
    print_bool("media_handover", f->media_handover);
    print_bool("port_latching", f->port_latching);
    print_bool("no_port_latching", f->no_port_latching);
    print_int("learning", (int)f->learning, CALL_LEARN_DEFAULT);
    print_int("tos", f->tos, 256);
}

static void print_security(const struct call_flags *f)
{
    print_int("ice", (int)f->ice, CALL_ICE_DEFAULT);
    print_bool("ice_reject", f->ice_reject);
    print_bool("fragment", f->fragment);
    print_bool("web_rtc", f->web_rtc);
    print_int("dtls", (int)f->dtls, CALL_DTLS_DEFAULT);
    print_int("dtls_reverse", (int)f->dtls_reverse, CALL_DTLS_DEFAULT);
    print_text("dtls_fingerprint", f->dtls_fingerprint);
    print_bool("no_tls_id", f->no_tls_id);
    print_bool("sdes.off", f->sdes.off);
    print_bool("sdes.nonew", f->sdes.nonew);
    print_bool("sdes.pad", f->sdes.pad);
    print_bool("sdes.lifetime", f->sdes.lifetime);
    print_bool("sdes.static", f->sdes.is_static);
    print_bool("sdes.prefer", f->sdes.prefer);
    print_bool("sdes.unencrypted_srtp", f->sdes.unencrypted_srtp);
    print_bool("sdes.encrypted_srtcp", f->sdes.encrypted_srtcp);
    print_bool("sdes.unauthenticated_srtp", f->sdes.unauthenticated_srtp);
    print_names("sdes.no", &f->sdes.no);
    print_names("sdes.only", &f->sdes.only);
    print_names("sdes.order", &f->sdes.order);
    print_names("sdes.pref", &f->sdes.offerer_pref);
    print_bool("osrtp_offer", f->osrtp_offer);
    print_bool("osrtp_accept", f->osrtp_accept);
}

static void print_shaping(const struct call_flags *f)
{
    print_bool("mux.offer", f->mux.offer);
    print_bool("mux.require", f->mux.require);
    print_bool("mux.demux", f->mux.demux);
    print_bool("mux.accept", f->mux.accept);
    print_bool("mux.reject", f->mux.reject);
    print_bool("full_rtcp", f->full_rtcp_attribute);
    print_bool("no_rtcp", f->no_rtcp_attribute);
    print_text("protocol", text_from(sdp_protocol_name(f->protocol)));
    print_bool("replace.origin", f->replace.origin);
    print_bool("replace.origin_full", f->replace.origin_full);
    print_bool("replace.session_name", f->replace.session_name);
    print_bool("replace.username", f->replace.username);
    print_bool("replace.sdp_version", f->replace.sdp_version);
    print_bool("replace.force_increment", f->replace.force_increment);
    print_bool("replace.zero_address", f->replace.zero_address);
    print_bool("bundle.accept", f->bundle.accept);
    print_bool("bundle.offer", f->bundle.offer);
    print_bool("bundle.strict", f->bundle.strict);
    print_bool("original_sendrecv", f->original_sendrecv);
    print_bool("generate_mid", f->generate_mid);
    print_bool("loop_protect", f->loop_protect);
    print_bool("reset", f->reset);
    print_int("plain_sdp", (int)f->plain_sdp, CALL_PLAIN_SDP_CONFIGURED);
    print_names("media_remove", &f->media_remove);
    print_names("extmap_strip", &f->extmap_strip);
    print_names("extmap_mask", &f->extmap_mask);
    for (size_t i = 0; i < f->edit_count; i++)
        print("edit=%.*s,%d,%.*s,%.*s ", TEXT_ARG(f->edits[i].media), (int)f->edits[i].action,
            TEXT_ARG(f->edits[i].from), TEXT_ARG(f->edits[i].to));
}

static void print_rest(const struct call_flags *f)
{
    print_names("strip", &f->strip);
    print_names("offer", &f->offer);
    print_names("except", &f->except);
    print_names("mask", &f->mask);
    print_names("ignore", &f->ignore);
    print_names("consume", &f->consume);
    print_names("transcode", &f->transcode);
    print_bool("single_codec", f->single_codec);
    print_bool("allow_no_codec", f->allow_no_codec_media);
    print_int("ptime", f->ptime, 0);
    print_int("ptime_reverse", f->ptime_reverse, 0);
    print_text("label", f->label);
    print_text("metadata", f->metadata);
    print_bool("fatal", f->fatal);
    print_bool("to_tag_counts", f->to_tag_counts);
    print_bool("fast", f->fast);
    print_bool("provisional", f->provisional);
    print_bool("final", f->is_reply_final);
    print_int("delete_delay", f->delete_delay, -1);
}

static const char *print_all(const struct fixture *f)
{
    printed[0] = '\0';
    print_text("call_id", f->command.call_id);
    print_text("from_tag", f->command.from_tag);
    print_text("to_tag", f->command.to_tag);
    print_text("via_branch", f->command.via_branch);
    print_text("sdp", f->command.sdp);
    print_addresses(&f->command.flags);
    print_security(&f->command.flags);
    print_shaping(&f->command.flags);
    print_rest(&f->command.flags);
    if (f->ignored.words[0] != '\0')
        print("ignored:%s ", f->ignored.words);
    if (printed[0] != '\0')
        printed[strlen(printed) - 1] = '\0';
    return printed;
}

static const struct {
    const char *dictionary;
    const char *expected;
} cases[] = {
    {"{}", ""},
    /* what the proxy makes of its flags, row by row */
    {"{'replace':['origin','session-connection']}", "replace.origin"},
    {"{'replace':['origin','session-connection','username','session-name','SDP-version']}",
        "replace.origin replace.session_name replace.username replace.sdp_version"},
    {"{'flags':['trust-address']}", "trust_address"},
    {"{'flags':['SIP-source-address']}", "sip_source_address"},
    {"{'flags':['symmetric']}", ""},
    {"{'flags':['asymmetric']}", "asymmetric"},
    {"{'flags':['unidirectional']}", ""},
    {"{'flags':['strict-source']}", "strict_source"},
    {"{'flags':['media-handover']}", "media_handover"},
    {"{'flags':['reset']}", "reset"},
    {"{'flags':['port-latching']}", "port_latching"},
    {"{'flags':['no-rtcp-attribute']}", "no_rtcp"},
    {"{'flags':['full-rtcp-attribute']}", "full_rtcp"},
    {"{'flags':['loop-protect']}", "loop_protect"},
    {"{'flags':['original-sendrecv']}", "original_sendrecv"},
    {"{'flags':['always-transcode']}", "ignored:always-transcode"},
    {"{'record-call':'on'}", "ignored:record-call"},
    {"{'flags':['generate-RTCP']}", "ignored:generate-RTCP"},
    {"{'flags':['generate-mid']}", "generate_mid"},
    {"{'flags':['trickle-ICE']}", ""},
    {"{'flags':['reject-ICE']}", "ice_reject"},
    {"{'flags':['inject-DTMF']}", "ignored:inject-DTMF"},
    {"{'flags':['detect-DTMF']}", "ignored:detect-DTMF"},
    {"{'flags':['no-redis-update']}", ""},
    {"{'flags':['pad-crypto']}", "sdes.pad"},
    {"{'ICE':'force'}", "ice=2"},
    {"{'ICE':'remove'}", "ice=1"},
    {"{'ICE':'optional'}", "ice=3"},
    {"{'ICE':'force-relay'}", "ice=4"},
    {"{'ICE':'default'}", ""},
    {"{'ICE-lite':'forward'}", ""},
    {"{'DTLS':'passive'}", "dtls=1"},
    {"{'DTLS':'active'}", "dtls=2"},
    {"{'DTLS':'off'}", "dtls=3"},
    {"{'DTLS-reverse':'passive'}", "dtls_reverse=1"},
    {"{'DTLS-fingerprint':'sha-256'}", "dtls_fingerprint=sha-256"},
    {"{'SDES':['off']}", "sdes.off"},
    {"{'SDES':['unencrypted_srtp','no-AES_256_CM_HMAC_SHA1_80']}",
        "sdes.unencrypted_srtp sdes.no=AES_256_CM_HMAC_SHA1_80"},
    {"{'SDES':['only-AES_CM_128_HMAC_SHA1_80']}", "sdes.only=AES_CM_128_HMAC_SHA1_80"},
    {"{'SDES':['nonew']}", "sdes.nonew"},
    {"{'flags':['OSRTP-offer']}", "osrtp_offer"},
    {"{'flags':['OSRTP-accept']}", "osrtp_accept"},
    {"{'flags':['OSRTP-offer','OSRTP-accept']}", "osrtp_offer osrtp_accept"},
    {"{'rtcp-mux':['offer']}", "mux.offer"},
    {"{'rtcp-mux':['require']}", "mux.require"},
    {"{'rtcp-mux':['demux']}", "mux.demux"},
    {"{'rtcp-mux':['accept']}", "mux.accept"},
    {"{'rtcp-mux':['reject']}", "mux.reject"},
    {"{'rtcp-mux':['accept','offer']}", "mux.offer mux.accept"},
    {"{'transport-protocol':'RTP/AVP'}", "protocol=RTP/AVP"},
    {"{'transport-protocol':'RTP/AVPF'}", "protocol=RTP/AVPF"},
    {"{'transport-protocol':'RTP/SAVP'}", "protocol=RTP/SAVP"},
    {"{'transport-protocol':'RTP/SAVPF'}", "protocol=RTP/SAVPF"},
    {"{'transport-protocol':'UDP/TLS/RTP/SAVP'}", "protocol=UDP/TLS/RTP/SAVP"},
    {"{'transport-protocol':'UDP/TLS/RTP/SAVPF'}", "protocol=UDP/TLS/RTP/SAVPF"},
    {"{'flags':['force']}", ""},
    {"{'to-tag':'abc'}", "to_tag=abc"},
    {"{'via-branch':'z9hG4bK62'}", "via_branch=z9hG4bK62"},
    {"{'media-address':'192.0.2.9'}", "media_address=192.0.2.9"},
    {"{'address-family':'IP4'}", "family=1"},
    {"{'address-family':'IP6'}", "family=2"},
    {"{'direction':['external','internal']}", "from_interface=external to_interface=internal"},
    {"{'interface':'external'}", "ignored:interface"},
    {"{'from-interface':'external','to-interface':'internal'}",
        "from_interface=external to_interface=internal"},
    {"{'codec':{'strip':['all'],'offer':['PCMU']}}", "strip=all offer=PCMU"},
    {"{'codec':{'mask':['all'],'transcode':['PCMU']}}", "mask=all transcode=PCMU"},
    {"{'codec':{'transcode':['opus/48000/2']}}", "transcode=opus/48000/2"},
    {"{'codec':{'transcode':['PCMU'],'set':['opus--24000']}}", "transcode=PCMU ignored:set"},
    {"{'flags':['codec-consume-opus','codec-accept-PCMU'],'codec':{'except':['opus']}}",
        "except=opus consume=opus ignored:codec-accept-PCMU"},
    {"{'codec':{'strip':['opus'],'mask':['G722']}}", "strip=opus mask=G722"},
    {"{'codec':'strip-all'}", "strip=all"},
    {"{'ptime':'20'}", "ptime=20"},
    {"{'ptime-reverse':'20'}", "ptime_reverse=20"},
    {"{'packetize':'20'}", ""},
    {"{'repacketize':20}", ""},
    {"{'media-echo':'both'}", "ignored:media-echo"},
    {"{'label':'x'}", "label=x"},
    {"{'set-label':'x'}", "label=x"},
    {"{'TOS':184}", "tos=184"},
    {"{'T.38':['decode']}", "ignored:T.38"},
    {"{'delete delay':0,'delete-delay':'0'}", "delete_delay=0"},
    {"{'metadata':'hello'}", "metadata=hello"},
    {"{'xmlrpc-callback':'127.0.0.1'}", "ignored:xmlrpc-callback"},
    {"{'flags':['record-call']}", "ignored:record-call"},
    {"{'recording-file':'x'}", "ignored:recording-file"},
    {"{'flags':['single-codec']}", "single_codec"},
    {"{'flags':['allow-transcoding']}", ""},
    {"{'flags':['all']}", "ignored:all"},
    {"{'flags':['pierce-NAT']}", "ignored:pierce-NAT"},
    {"{'flags':['debug']}", ""},
    {"{'flags':['NAT-wait']}", "ignored:NAT-wait"},
    {"{'flags':['mirror-RTCP']}", "ignored:mirror-RTCP"},
    {"{'flags':['sdp-attr-audio-remove-ssrc']}", "edit=audio,1,ssrc,"},
    {"{'volume':'5'}", "ignored:volume"},
    {"{'drop-traffic':'start'}", "ignored:drop-traffic"},
    {"{'flags':['foo']}", "ignored:foo"},
    {"{'foo':'bar'}", "ignored:foo"},
    {"{'flags':['foo-bar']}", "ignored:foo-bar"},
    {"{'flags':['1']}", "ignored:1"},
    {"{'command':'delete'}", ""},
    {"{'delete delay':0,'delete-delay':'0','flags':['fatal'],'command':'delete'}",
        "fatal delete_delay=0"},
    /* whole messages as they came over the wire */
    {"{'supports':['load limit'],'ICE':'remove','direction':['external','internal'],"
     "'replace':['origin','session-connection'],'codec':{'strip':['all'],"
     "'offer':['PCMU','PCMA','telephone-event']},'transport-protocol':'RTP/AVP',"
     "'rtcp-mux':['demux'],'call-id':'t0','received-from':['IP4','198.51.100.20'],"
     "'from-tag':'46','command':'offer','sdp':'v=0'}",
        "call_id=t0 from_tag=46 sdp=v=0 from_interface=external to_interface=internal "
        "received_from=198.51.100.20 ice=1 mux.demux protocol=RTP/AVP replace.origin strip=all "
        "offer=PCMU offer=PCMA offer=telephone-event"},
    {"{'call-id':'4a','from-tag':'f','sip-message-type':'sip_reply','to-tag':'t',"
     "'rtpp-flags':'UDP/TLS/RTP/SAVPF ICE=force SDES-off DTLS=passive rtcp-mux-offer "
     "generate-mid replace-origin direction=internal direction=external'}",
        "call_id=4a from_tag=f to_tag=t from_interface=internal to_interface=external ice=2 "
        "dtls=1 sdes.off mux.offer protocol=UDP/TLS/RTP/SAVPF replace.origin generate_mid"},
    /* the raw string counts */
    {"{'rtpp-flags':'ICE=remove to-tag=x codec=[strip=[opus G722]]','ICE':'force','to-tag':'t'}",
        "to_tag=x ice=1 strip=opus strip=G722 to_tag_counts"},
    {"{'rtpp-flags':'sdp-attr=[audio=[remove=[ssrc] add=[x]]] foo=[bar'}",
        "edit=audio,1,ssrc, edit=audio,0,x, ignored:brackets do not match"},
    /* spellings */
    {"{'call id':'1','to_tag':'2','received from':'192.0.2.1','SDP':'v'}",
        "call_id=1 to_tag=2 sdp=v received_from=192.0.2.1"},
    {"{'flags':'trust address,sip source address,ice-reject'}",
        "trust_address sip_source_address ice_reject"},
    {"{'flags':['RTP/SAVPF','rtcp-mux-demux','replace-origin-full','SDES-off',"
     "'transcode-PCMA','codec-transcode-PCMU','codec-strip-opus','codec-offer-X',"
     "'codec-mask-all','codec-except-G722','codec-ignore-CN','endpoint-learning-off',"
     "'BUNDLE-accept','bundle-offer']}",
        "learning=1 sdes.off mux.demux protocol=RTP/SAVPF replace.origin_full bundle.accept "
        "bundle.offer "
        "strip=opus offer=X except=G722 mask=all ignore=CN transcode=PCMA "
        "transcode=PCMU"},
    {"{'received-from':['IP6','2001:db8::1']}", "received_from=2001:db8::1"},
    {"{'received-from':['IP4','host']}", "ignored:received-from=host"},
    {"{'ICE':['force','trickle','lite']}", "ice=2"},
    {"{'ICE':'force,ice2,lite-off'}", "ice=2 ignored:ICE=lite-off"},
    {"{'ICE-lite':'off'}", "ignored:ICE-lite=off"},
    {"{'DTLS':'maybe'}", "ignored:DTLS=maybe"},
    {"{'transport-protocol':'accept'}", ""},
    {"{'transport-protocol':'udptl'}", "ignored:transport-protocol=udptl"},
    {"{'SDES':['order:AES_CM_128_HMAC_SHA1_80;AEAD_AES_256_GCM;','offerer_pref:X','pad',"
     "'lifetime','static','prefer','ENCRYPTED_SRTCP','unauthenticated_srtp']}",
        "sdes.pad sdes.lifetime sdes.static sdes.prefer sdes.encrypted_srtcp "
        "sdes.unauthenticated_srtp sdes.order=AES_CM_128_HMAC_SHA1_80 "
        "sdes.order=AEAD_AES_256_GCM sdes.pref=X"},
    {"{'OSRTP':['accept-RFC','offer-legacy']}", "osrtp_accept ignored:OSRTP=offer-legacy"},
    {"{'flags':['WebRTC'],'ICE':'optional','transport-protocol':'RTP/SAVPF'}",
        "ice=3 web_rtc protocol=RTP/SAVPF"},
    {"{'endpoint-learning':'heuristic'}", "learning=4"},
    {"{'TOS':-5}", "tos=-1"},
    {"{'TOS':300}", ""},
    {"{'TOS':'0x10'}", "tos=16"},
    {"{'delete-delay':'x'}", "ignored:delete-delay"},
    {"{'delete-delay':'-3'}", "ignored:delete-delay"},
    {"{'sip-code':180}", ""},
    {"{'sip-code':200}", "final"},
    {"{'plain-sdp':'off'}", "plain_sdp=2"},
    {"{'flags':['plain-sdp']}", "plain_sdp=1"},
    {"{'flags':['to-tag','fast','new-branch','provisional','fragment','no-tls-id',"
     "'allow no codec media','strip-extmap']}",
        "fragment no_tls_id extmap_strip=all allow_no_codec to_tag_counts fast "
        "provisional"},
    {"{'replace':['zero-address','force-increment-sdp-ver','nonsense']}",
        "replace.force_increment replace.zero_address ignored:replace=nonsense"},
    {"{'sdp-media-remove':['video'],'extmap':{'strip':['urn:x'],'mask':['urn:y'],'z':[]}}",
        "media_remove=video extmap_strip=urn:x extmap_mask=urn:y ignored:z"},
    {"{'sdp-attr':{'audio':{'add':['x:1'],'remove':['ssrc']},"
     "'none':{'substitute':[['a','b'],['c--d','e..f']],'bad':[]},'flat':'x'}}",
        "edit=audio,0,x:1, edit=audio,1,ssrc, edit=none,2,a,b edit=none,2,c=d,e f "
        "ignored:bad,flat"},
    {"{'flags':['sdp-attr-substitute-none-A>B','sdp-attr-add-video-x..y--z','sdp-attr-no']}",
        "edit=none,2,A,B edit=video,0,x y=z, ignored:sdp-attr-no"},
    {"{'flags':[1,['x'],'fast'],'call-id':5,'template':'t','direction':['a','b','c']}",
        "from_interface=a to_interface=b fast ignored:call-id,direction=c"},
};

static void reads_dictionaries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f = read_options(cases[i].dictionary);
        if (strcmp(print_all(&f), cases[i].expected) != 0)
            fail_msg(
                "%s\ngives    %s\nexpected %s", cases[i].dictionary, printed, cases[i].expected);
        ng_arena_done(&f.arena);
    }
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    char dictionary[4096] = "{'flags':['foo'";
    for (unsigned i = 0; i < 60; i++)
        snprintf(dictionary + strlen(dictionary), 64, ",'codec-strip-c%u','unknown-word-%u'", i, i);
    strcat(dictionary, "]}");
    struct fixture f = read_options(dictionary);
    assert_int_equal(f.command.flags.strip.count, CALL_MAX_NAMES);
    assert_int_equal(strlen(f.ignored.words), NG_IGNORED_SIZE - 1);
    ng_arena_done(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_dictionaries),
        cmocka_unit_test(long_lists_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

/* clang-format off */
const struct story stories[] = {
    {"what is new is written on, read and removed",
        "A get call x => absent\n"
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B get call x => done A 1 1 0 10.0.0.1 one\n"
        "A put call x 1 10.0.0.1,2001:db8::1 two => done A 1 2\n"
        "B get call x => done A 1 2 0 10.0.0.1 2001:db8::1 two\n"
        "B look call x => done A 1 2 0 10.0.0.1 2001:db8::1 -\n"
        "A list A => done call:x@10.0.0.1 2001:db8::1\n"
        "A remove call x A 1 => done - 1 0\n"
        "B get call x => absent\n"
        "A list A => done\n"
        "A remove call x A 1 => done - 1 0\n"},
    {"kinds and ids are apart",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A put allocation x 1 10.0.0.2 two => done A 1 1\n"
        "A put call x:y{z} 1 - three => done A 1 1\n"
        "A get call x => done A 1 1 0 10.0.0.1 one\n"
        "A get allocation x => done A 1 1 0 10.0.0.2 two\n"
        "A list A => done allocation:x@10.0.0.2 call:x:y{z}@ call:x@10.0.0.1\n"
        "A remove allocation x A 1 => done - 1 0\n"
        "A get call x => done A 1 1 0 10.0.0.1 one\n"
        "A list A => done call:x:y{z}@ call:x@10.0.0.1\n"},
    {"another owner does not write, nor remove",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B put call x 1 10.0.0.2 two => conflict A 1 1\n"
        "B free call x 1 10.0.0.2 two => conflict A 1 1\n"
        "B remove call x B 1 => conflict A 1 1\n"
        "A get call x => done A 1 1 0 10.0.0.1 one\n"
        "B list B => done\n"
        "B list - => done\n"
        "A list A => done call:x@10.0.0.1\n"},
    {"who takes has the next epoch, and the one before him is refused",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A put call x 1 10.0.0.1 two => done A 1 2\n"
        "B take call x 10.0.0.1 A 1 2 => done 2 1\n"
        "B get call x => done B 2 0 1 10.0.0.1 two\n"
        "B list A => done\n"
        "B list B => done call:x@10.0.0.1\n"
        "A put call x 1 10.0.0.1 late => conflict B 2 0\n"
        "A free call x 1 10.0.0.1 late => conflict B 2 0\n"
        "A remove call x A 1 => conflict B 2 0\n"
        "A list A => done\n"
        "B put call x 2 10.0.0.1 three => done B 2 1\n"
        "B get call x => done B 2 1 0 10.0.0.1 three\n"
        "B list B => done call:x@10.0.0.1\n"},
    {"only what was seen is taken, and only once",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B take call y 10.0.0.1 A 1 1 => absent\n"
        "B take call x 10.0.0.1 C 1 1 => conflict\n"
        "B take call x 10.0.0.1 - 1 1 => conflict\n"
        "B take call x 10.0.0.1 A 2 1 => conflict\n"
        "B take call x 10.0.0.1 A 1 2 => conflict\n"
        "B list B => done\n"
        "B take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "C take call x 10.0.0.1 A 1 1 => conflict\n"
        "C list C => done\n"
        "B take call x 10.0.0.1 A 1 1 => conflict\n"
        "B list B => done call:x@10.0.0.1\n"
        "B list A => done\n"},
    {"takes are counted until it is written",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "C take call x 10.0.0.1 B 2 0 => done 3 2\n"
        "A get call x => done C 3 0 2 10.0.0.1 one\n"
        "C put call x 3 10.0.0.1 two => done C 3 1\n"
        "A take call x 10.0.0.1 C 3 1 => done 4 1\n"
        "A list C => done\n"
        "A list B => done\n"
        "A list A => done call:x@10.0.0.1\n"},
    {"a taking that led to nothing is not counted",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A back call x 10.0.0.1 A 1 1 => done 2 0\n"
        "B take call x 10.0.0.1 - 2 0 => done 3 1\n"
        "B undo call x 10.0.0.1 B 3 0 => done 4 0\n"
        "B list B => done\n"
        "C take call x 10.0.0.1 - 4 0 => done 5 1\n"
        "A take call x 10.0.0.1 C 5 0 => done 6 2\n"
        "A back call x 10.0.0.1 A 6 0 => done 7 2\n"
        "A get call x => done - 7 0 2 10.0.0.1 one\n"},
    {"a node takes what its own name left behind",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "A list A => done call:x@10.0.0.1\n"
        "A put call x 1 10.0.0.1 late => conflict A 2 0\n"
        "A list A => done call:x@10.0.0.1\n"
        "A put call x 2 10.0.0.1 two => done A 2 1\n"},
    {"what is released is nobody's until somebody takes it",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A free call x 1 10.0.0.1 last => done - 1 2\n"
        "B get call x => done - 1 2 0 10.0.0.1 last\n"
        "B list A => done\n"
        "B list - => done call:x@10.0.0.1\n"
        "B put call x 1 10.0.0.2 new => conflict - 1 2\n"
        "B remove call x B 1 => conflict - 1 2\n"
        "A free call x 1 10.0.0.1 again => done - 1 3\n"
        "B take call x 10.0.0.1 - 1 2 => conflict\n"
        "B take call x 10.0.0.1 - 1 3 => done 2 1\n"
        "B list - => done\n"
        "B list B => done call:x@10.0.0.1\n"
        "A put call x 1 10.0.0.1 late => conflict B 2 0\n"},
    {"who has released may go on, and may remove",
        "A free call x 1 10.0.0.1 one => done - 1 1\n"
        "A put call x 1 10.0.0.1 two => done A 1 2\n"
        "A list - => done\n"
        "A list A => done call:x@10.0.0.1\n"
        "A free call x 1 10.0.0.1 three => done - 1 3\n"
        "A remove call x A 1 => done - 1 0\n"
        "A list - => done\n"
        "A list A => done\n"
        "A get call x => absent\n"},
    {"what is stranded is removed by whoever knows its version",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B free call y 1 10.0.0.2 two => done - 1 1\n"
        "C remove call x A 1 => done - 1 0\n"
        "C remove call y - 1 => done - 1 0\n"
        "C list A => done\n"
        "C list - => done\n"},
    {"a higher epoch replaces what is there",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B put call x 2 10.0.0.2 new => done B 2 1\n"
        "B get call x => done B 2 1 0 10.0.0.2 new\n"
        "B list A => done\n"
        "B list B => done call:x@10.0.0.2\n"
        "A put call x 1 10.0.0.1 late => conflict B 2 1\n"
        "C remove call x C 3 => done - 3 0\n"
        "C list B => done\n"},
    {"an epoch is remembered when the record is gone",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "B take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "B remove call x B 2 => done - 2 0\n"
        "A get call x => absent\n"
        "A take call x 10.0.0.1 B 2 0 => absent\n"
        "A put call x 1 10.0.0.1 late => conflict - 2 0\n"
        "B put call x 2 10.0.0.1 late => conflict - 2 0\n"
        "A remove call x A 1 => done - 2 0\n"
        "A put call x 1 10.0.0.1 late => conflict - 2 0\n"
        "A list A => done\n"
        "B list B => done\n"
        "A put call x 3 10.0.0.1 new => done A 3 1\n"
        "A list A => done call:x@10.0.0.1\n"
        "A remove call x A 3 => done - 3 0\n"
        "C remove call z C 7 => done - 7 0\n"
        "C put call z 7 10.0.0.1 one => conflict - 7 0\n"},
    {"epochs may be as high as there are",
        "A put call x 9007199254740990 10.0.0.1 one => done A 9007199254740990 1\n"
        "A put call x 9007199254740990 10.0.0.1 two => done A 9007199254740990 2\n"
        "B take call x 10.0.0.1 A 9007199254740990 2 => done 9007199254740991 1\n"
        "A put call x 9007199254740990 - late => conflict B 9007199254740991 0\n"
        "B remove call x B 9007199254740991 => done - 9007199254740991 0\n"},
    {"a lease belongs to one instance, until it ends",
        "A nodes => done 0\n"
        "A lease A a1 60000 hello => done\n"
        "B lease B b1 60000 hi => done\n"
        "A lease A a1 60000 hello,again => done\n"
        "C lease A c1 60000 no => conflict\n"
        "A nodes => done A/a1/hello again/0 B/b1/hi/0 0\n"
        "C unlease A c1 0 => done\n"
        "A nodes => done A/a1/hello again/0 B/b1/hi/0 0\n"
        "A lease A a1 100 hello => done\n"
        "wait 150\n"
        "B nodes => done A/-/hello/0 B/b1/hi/0 0\n"
        "C lease A c1 60000 yes => done\n"
        "A lease A a1 60000 late => conflict\n"
        "B nodes => done A/c1/yes/0 B/b1/hi/0 0\n"},
    {"who lets go counts as alive, but gives way",
        "A lease A a1 60000 one => done\n"
        "A unlease A a1 60000 => done\n"
        "B nodes => done A/LET_GO/one/0 0\n"
        "A lease A a2 60000 two => done\n"
        "A unlease A a1 60000 => done\n"
        "B nodes => done A/a2/two/0 0\n"
        "A unlease A a2 100 => done\n"
        "wait 150\n"
        "B nodes => done A/-/two/0 0\n"
        "A lease A a3 60000 three => done\n"
        "A unlease A a3 0 => done\n"
        "B nodes => done A/-/three/0 0\n"},
    {"nodes tell what they have",
        "A lease A a1 60000 one => done\n"
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A put call y 1 10.0.0.1 one => done A 1 1\n"
        "A put allocation y 1 10.0.0.1 one => done A 1 1\n"
        "A free call z 1 10.0.0.1 one => done - 1 1\n"
        "B nodes => done A/a1/one/3 1\n"
        "B take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "B take call z 10.0.0.1 - 1 1 => done 2 1\n"
        "B nodes => done A/a1/one/2 0\n"
        "B lease B b1 60000 two => done\n"
        "B nodes => done A/a1/one/2 B/b1/two/2 0\n"},
    {"only a dead node without records is forgotten",
        "A lease A a1 60000 one => done\n"
        "B forget A =>\n"
        "B nodes => done A/a1/one/0 0\n"
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A unlease A a1 0 => done\n"
        "B forget A =>\n"
        "B nodes => done A/-/one/1 0\n"
        "B take call x 10.0.0.1 A 1 1 => done 2 1\n"
        "B forget A =>\n"
        "B forget C =>\n"
        "B nodes => done 0\n"},
    {"what a node owns stays in its index",
        "A put call x 1 10.0.0.1 one => done A 1 1\n"
        "A free call y 1 10.0.0.1 one => done - 1 1\n"
        "B unlist A call x =>\n"
        "B unlist - call y =>\n"
        "B unlist B call x =>\n"
        "B list A => done call:x@10.0.0.1\n"
        "B list - => done call:y@10.0.0.1\n"},
};
const size_t story_count = COUNT_OF(stories);

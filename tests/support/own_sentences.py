"""Sentences written by hand, apart from the grammar and before any model was asked them: text → answer, by whom.

None of them was used to train a model or to choose its settings. Of "word by word" there are so few with known words
that the grammar draws most of them some day; training never shows those in LOOKED_AT. If the word that decides stands
twice, the first is meant.
"""

from __future__ import annotations

from typing import NamedTuple


class Own(NamedTuple):
    """A text, the word that should come next, and the word that decides it (in the text, the first of its kind)."""

    tokens: tuple[str, ...]
    answer: str
    true: int


def _read(lines: str) -> tuple[Own, ...]:
    read = []
    for line in lines.strip().splitlines():
        text, _, rest = line.partition("→")
        answer, true = rest.split()
        tokens = tuple(text.split())
        read.append(Own(tokens, answer, tokens.index(true)))
    return tuple(read)


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


SYNTAX = _read(
    """
    the dogs near the tree → are dogs
    the dog near the trees → is dog
    the wugs near the blick → are wugs
    the lamp above the cups → is lamp
    our uncle with the heavy baskets → is uncle
    your sisters beside the fire → are sisters
    the small bells inside the tower → are bells
    the loud engine under windows → is engine
    my quiet daughter behind the flowers → is daughter
    the cold cities around our hill → are cities
    the red apples under the warm lamp → are apples
    the monk near bridges → is monk
    the old journeys with the king → are journeys
    the ship inside the harbor → is ship
    my horses around the green meadows → are horses
    the witch with the hats behind the big walls → is witch
    the keys inside the box under our table → are keys
    the road around the hills near the city → is road
    your mothers near the garden beside the bright window → are mothers
    the dark tower behind the trees with flowers → is tower
    our old cats under the chair near the clock → are cats
    the story with the kings inside the soft book → is story
    the clean stones beside the river above the bridges → are stones
    the baker with the apples inside the warm house → is baker
    the happy small girls around the nurse with the birds → are girls
    the day with the new words → is day
    the faces behind your window above the door → are faces
    the actor beside our heavy new chairs → is actor
    the women with the baby → are women
    the man behind the quiet boys around the basket → is man
    the glorps behind the fire → are glorps
    the skern beside the small clunds → is skern
    our velps inside the old box → are velps
    the nush near the daxes → is nush
    the jozzes above the cold field under the star → are jozzes
    the toma with the happy aunts → is toma
    your grobbies around the plock → are grobbies
    the dark fep under the apples near the kings → is fep
    the hibs beside the teck with the snops → are hibs
    the brothers with the jark → are brothers
    the queen near twibs → is queen
    the nax inside the cups → is nax
    the loud zeshes near our house beside the engine → are zeshes
    my borgle behind the zorps with the clean hats → is borgle
    the klasks above the road → are klasks
    the vairn near the river → is vairn
    the gups under bright stars → are gups
    the heavy grast around the wups inside the field → is grast
    the fathers beside the big spox near the blints → are fathers
    the clock above the pribes → is clock
    the slanes with the quiet witch → are slanes
    the threft behind your green yigs → is threft
    the teachers near the lake → are teachers
    the lion behind the mountains → is lion
    our pencils inside the drawer → are pencils
    the candle beside the cold windows → is candle
    the old farmer with the rabbits → is farmer
    the villages around the forest near the roads → are villages
    the soldier under the red tents near our ladder → is soldier
    the spiders above my small kettle → are spiders
    """
)

MEANING = _read(
    """
    the queen met the actor . she → rules queen
    the baker knew the nurse . she → heals nurse
    the ship followed the aunt . she → knits aunt
    the sister found the bells . she → sings sister
    the happy girl called the old monk near the tower . she → plays girl
    the cold kings liked the small witch under the trees . she → flies witch
    the mother saw the wups inside our garden . she → cares mother
    the woman heard the loud engine behind the wall with green stones . she → writes woman
    the uncle called the daughter . she → dances daughter
    the aunt liked the fout . she → knits aunt
    the dark new horse found the quiet clean queen beside the road . she → rules queen
    the nurse met the big dogs above the bright fields around the old quiet city . she → heals nurse
    the father knew the sister with the red hat . she → sings sister
    the girl followed the cats . she → plays girl
    the jops saw the mother beside the heavy basket . she → cares mother
    the queen met the actor . he → acts actor
    the boy heard the river . he → climbs boy
    the witch liked the king . he → commands king
    the birds followed the man . he → builds man
    the monk found the star above the hill . he → prays monk
    the quiet brother knew the happy girl . he → jokes brother
    the loud aunts saw the father near the table . he → cooks father
    the uncle met the nurse inside the small house behind bridges . he → fishes uncle
    the old cat liked the baker . he → bakes baker
    the man called the tomas under the big tree . he → builds man
    the glaint followed the king around the field . he → commands king
    the daughter heard the warm heavy brother . he → jokes brother
    the boy saw the red soft flower near your new window beside the clean cups . he → climbs boy
    the actor knew the horses with the green apples . he → acts actor
    the mother found the uncle under the dark bridge . he → fishes uncle
    the boy found the bell . it → rings bell
    the horse followed the woman . it → gallops horse
    the sister heard the clock . it → ticks clock
    the dog liked the father . it → barks dog
    the monks saw the ship behind the towers . it → sails ship
    the small bird met the king near trees . it → chirps bird
    the witch called the dark cat around the houses . it → purrs cat
    the river knew the queens . it → flows river
    the bright star found the happy uncle above the cold hills . it → shines star
    the aunt saw the red fire inside baskets . it → burns fire
    the blaxes met the flower . it → blooms flower
    the engine heard the old nurse under the heavy stones with your keys . it → roars engine
    the man liked the quiet horse beside the clean gardens near the big roads . it → gallops horse
    the crents followed the bird . it → chirps bird
    the cat called the new actor behind the loud green clunds . it → purrs cat
    the kings met the nurse . they → command kings
    the girl saw the dogs . they → bark dogs
    the sisters knew the baker . they → sing sisters
    the monk heard the engines . they → roar engines
    the fires found the aunt near the wall . they → burn fires
    the old ship followed the boys . they → climb boys
    the happy women liked the river behind the city . they → write women
    the mother called the clocks inside the box under our chair . they → tick clocks
    the quiet bakers met the velp . they → bake bakers
    the snark saw the witches around the tower . they → fly witches
    the brother found the bright clean stars above the house . they → shine stars
    the daughters heard the big cold cat with my red hat near the old gate . they → dance daughters
    the flower liked the warm fathers beside the road . they → cook fathers
    the spreet called the queens . they → rule queens
    the birds followed the small man under the lamp . they → chirp birds
    """
)

COPYING = _read(
    """
    list : old cup river ; old cup → river river
    list : bell tower red ; bell → tower tower
    list : queens lamp soft ; queens lamp → soft soft
    list : green monk keys ; monk → keys keys
    list : horse day loud ; horse day → loud loud
    list : stars bridge aunt ; stars → bridge bridge
    list : cities warm hat ; warm → hat hat
    list : fire girl story stone ; fire girl story → stone stone
    list : apple boys dark engine ; boys → dark dark
    list : clock witch new field ; witch new → field field
    list : happy road ships mother ; happy → road road
    list : wall uncle bird clean ; uncle bird → clean clean
    list : baskets big king chair ; big → king king
    list : heavy garden actors face ; heavy garden → actors actors
    list : windows nurse cold tree ; cold → tree tree
    list : quiet hill sister books ; hill sister → books books
    list : journey flowers box baker small ; journey flowers → box box
    list : dogs bright table father step ; table father → step step
    list : red word women cat house ; women → cat cat
    list : cup soft kings lamp river ; cup soft kings lamp → river river
    list : aunts stone green day brother ; day → brother brother
    list : tower man old apples bell ; man old → apples apples
    list : star daughters warm key clock ; warm key → clock clock
    list : roads fire hat loud boy ; roads → fire fire
    list : bridges monk new horse girls field ; monk new horse → girls girls
    list : clean story walls queen engine big ; walls queen engine → big big
    list : dark bird mothers chair apple hill ; dark bird mothers → chair chair
    list : witches cold book garden uncle ships ; garden → uncle uncle
    list : basket happy trees actor river face ; river → face face
    list : sister cities heavy dog lamp words ; cities heavy → dog dog
    list : window nurses quiet cup fires baker bridge ; nurses quiet cup → fires fires
    list : table brothers red flower days king small ; flower days king → small small
    list : houses woman bright stone cat journeys bell ; woman bright stone cat → journeys journeys
    list : boxes soft father steps star road green ; boxes → soft soft
    list : girl hats tower old ship keys field ; ship keys → field field
    list : clocks queen warm hills book man wall ; hills book man → wall wall
    list : loud tables bird story aunt new gardens ; aunt → new new
    list : engines cup monks dark chair day boy ; engines cup monks dark chair → day day
    list : daughter clean apples bridge horse big witch ; bridge horse → big big
    list : tree actors cold lamp basket uncles city ; tree actors cold → lamp lamp
    list : wug cup hill ; wug → cup cup
    list : old zorp bell ; old zorp → bell bell
    list : dax fep river ; dax fep → river river
    list : king toma red ; toma → red red
    list : blick stars glorp house ; glorp → house house
    list : horse snark quiet lamp ; horse snark → quiet quiet
    list : plock garden nelb tree ; garden nelb → tree tree
    list : gup teck books aunt ; teck → books books
    list : bright velp sister nush road ; velp → sister sister
    list : hat crent window jark warm ; hat crent → window window
    list : flid big nurse snop face ; snop → face face
    list : girls skern apple hib clock ; girls skern → apple apple
    list : stib wall blaver fire grebo ; stib wall blaver → fire fire
    list : dog borgle twib soft ship table ; borgle twib → soft soft
    list : yig cold feelo queen basket spreet ; yig cold feelo → queen queen
    list : step clen monk drobe happy key ; drobe happy → key key
    list : nerg chair sploot bird pribe day bakers ; sploot → bird bird
    list : rint green vairn hat wup tower boy ; rint green vairn → hat hat
    list : flowers klask small mother jop engine norty ; klask small mother jop → engine engine
    list : nax story kenty fields dark glaint brother ; glaint → brother brother
    """
)

POSITION = _read(
    """
    word by → word word
    step after → step step
    more and → more more
    garden to → garden garden
    we go step by → step step
    we read story after → story story
    we walk bridge to → bridge bridge
    tower after → tower tower
    we count star by → star star
    mother and → mother mother
    engine to → engine engine
    we learn clock after → clock clock
    hat and → hat hat
    we walk basket by → basket basket
    baskets and → baskets baskets
    we count ships after → ships ships
    witches by → witches witches
    cities to → cities cities
    we read books and → books books
    men to → men men
    we walk roads by → roads roads
    brothers after → brothers brothers
    soft and → soft soft
    we walk quiet by → quiet quiet
    loud to → loud loud
    bright after → bright bright
    we learn happy and → happy happy
    heavy by → heavy heavy
    we go cold to → cold cold
    rings after → rings rings
    we count jokes by → jokes jokes
    bloom and → bloom bloom
    prays to → prays prays
    we read knit after → knit knit
    gallops by → gallops gallops
    burn to → burn burn
    met by → met met
    found after → found found
    we learn liked and → liked liked
    followed to → followed followed
    under and → under under
    we walk behind to → behind behind
    inside by → inside inside
    above after → above above
    we go around and → around around
    she by → she she
    we count they after → they they
    it to → it it
    he and → he he
    is by → is is
    the after → the the
    are and → are are
    list to → list list
    we learn one by → one one
    we go your after → your your
    our to → our our
    read after → read read
    we count walk to → walk walk
    begins by → begins begins
    we learn ends and → ends ends
    """
)

LOOKED_AT = _read(
    """
    wugs by → wugs wugs
    we walk blick to → blick blick
    zorps and → zorps zorps
    daxes after → daxes daxes
    we count tomas by → tomas tomas
    snark to → snark snark
    glorp and → glorp glorp
    we read feps after → feps feps
    velp by → velp velp
    nushes to → nushes nushes
    we learn skern and → skern skern
    grobbies after → grobbies grobbies
    threft by → threft threft
    we go vairn to → vairn vairn
    borgle and → borgle borgle
    lantern by → lantern lantern
    we count mountains after → mountains mountains
    purple and → purple purple
    slowly to → slowly slowly
    we learn music by → music music
    mirror after → mirror mirror
    teachers to → teachers teachers
    we walk island and → island island
    thunder by → thunder thunder
    chapters after → chapters chapters
    """
)
"""Of position, with words that the model cannot say: it can only look at them."""

OWN = {"position": POSITION, "syntax": SYNTAX, "meaning": MEANING, "copying": COPYING}

MADE_UP = _split(
    """
    wug blick dax toma fep zorp glorp snark skern blint rint jark hib plock flid gup nerg sploot stib teck clund
    snop nush crent nelb velp fout grobby borgle blaver grebo feelo grast spreet klask slane pribe drobe glaint
    vairn clen yig twib jop wup threft blax nax spox zesh jozz norty kenty
    """
)
"""The made-up words of all sentences, in the singular: words.py keeps training away from each of them."""

ENGLISH = _split(
    """
    harbor meadow door baby teacher lake lion mountain pencil drawer candle farmer rabbit village forest soldier
    tent ladder spider kettle gate lantern purple slowly music mirror island thunder chapter
    """
)
"""The English words that the vocabulary lacks. Nothing keeps training from making up one of them ("door") by chance."""

"""Words that multiply the number before them, as each language writes and abbreviates them."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "af": "3:duisend 6:miljoen 9:miljard,mjd 12:biljoen,bn",
    "am": "3:ሺ 6:ሚሊዮን 9:ቢሊዮን 12:ትሪሊዮን",
    "ar": (
        "3:آلاف,آلافا,ألف,ألفا,ألفاً,الف 6:ملايين,مليون 9:مليار,مليارات,ملياري 12:ترليون,تريليون,تريليونات"
    ),
    "as": "3:হাজাৰ 5:লাখ 6:নিযুত 7:কোটি",
    "az": "3:min 6:milyon,mln 9:milyard,mlrd 12:trilyon,trln",
    "be": (
        "3:тыс,тысяч,тысяча,тысячу,тысячы 6:млн,мільён,мільёна,мільёнаў,мільёны "
        "9:млрд,мільярд,мільярда,мільярдаў,мільярды 12:трлн,трыльён,трыльёна,трыльёнаў,трыльёны"
    ),
    "bg": "3:хил,хиляда,хиляди 6:милион,милиона,млн 9:милиард,милиарда,млрд 12:трилион,трилиона,трлн",
    "bn": "2:শত 3:হাজার 5:লক্ষ,লাখ 6:মিলিয়ন 7:কোটি 9:বিলিয়ন",
    "bs": (
        "3:hilj,hiljada,hiljade 6:mil,milion,miliona 9:milijarda,milijarde,milijardi,mlrd "
        "12:bil,bilion,biliona"
    ),
    "ca": "3:mil,miler,milers 6:milions,milió 12:bilions,bilió",
    "cs": (
        "3:tis,tisíc,tisíce,tisíci,tisíců 6:mil,milion,milionu,miliony,milionů "
        "9:miliard,miliarda,miliardy,mld 12:bil,bilion,bilionu,biliony,bilionů"
    ),
    "cy": "3:mil 6:miliwn 9:biliwn 12:triliwn",
    "da": "3:tusind 6:million,millioner,mio 9:mia,milliard,milliarder 12:billion,billioner,bio",
    "de": (
        "2:hundert 3:tausend,tsd 6:million,millionen,mio 9:milliarde,milliarden,mrd 12:billion,billionen,bio"
    ),
    "el": (
        "3:χιλ,χιλιάδα,χιλιάδεσ,χιλιάδων 6:εκ,εκατομμυρίων,εκατομμύρια,εκατομμύριο "
        "9:δισ,δισεκατομμύρια,δισεκατομμύριο 12:τρισ,τρισεκατομμύρια,τρισεκατομμύριο"
    ),
    "en": (
        "2:hundred,hundreds 3:thousand,thousands 5:lac,lacs,lakh,lakhs 6:million,millions,mio,mln,mn "
        "7:crore,crores 9:billion,billions,bn 12:tn,trillion,trillions,trn"
    ),
    "es": "3:mil,miles 6:millones,millón 9:millardo,millardos 12:billones,billón",
    "et": (
        "3:tuh,tuhande,tuhat 6:miljon,miljoni,miljonit,mln 9:miljard,miljardit,mld 12:triljon,triljonit,trln"
    ),
    "eu": "3:mila 6:milioi 12:bilioi",
    "fa": "3:هزار 6:میلیون 9:میلیارد 12:تریلیون,هزارمیلیارد",
    "fi": (
        "3:tuhannen,tuhansia,tuhat,tuhatta 6:milj,miljoona,miljoonaa,miljoonan,miljoonia "
        "9:miljardeja,miljardi,miljardia,miljardin,mrd 12:bilj,biljoona,biljoonaa"
    ),
    "fil": "3:libo 6:milyon 9:bilyon 12:trilyon",
    "fr": (
        "3:mille,millier,milliers 6:million,millions,mio 9:md,mds,milliard,milliards,mrd "
        "12:billion,billions,bn"
    ),
    "ga": "3:mhíle,míle 6:mhilliún,milliún 9:bhilliún,billiún,mbilliún 12:dtrilliún,thrilliún,trilliún",
    "gl": "3:mil 6:millón,millóns 12:billón,billóns",
    "gu": "3:હજાર 5:લાખ 7:કરોડ 9:અબજ 11:નિખર્વ 12:મહાપદ્મ 13:શંકુ 14:જલધિ",
    "he": "3:אלף,אלפים 6:מיליון,מיליוני 9:מיליארד,מיליארדי 12:טריליון",
    "hi": "2:सौ 3:हज़ार,हजार 5:लाख 7:करोड,करोड़ 9:अरब 11:खरब 13:नील",
    "hr": (
        "3:tis,tisuća,tisuće,tisuću 6:mil,milijun,milijuna 9:milijarda,milijarde,milijardi,mlr "
        "12:bil,bilijun,bilijuna"
    ),
    "hu": "3:ezer,ezren 6:millió 9:milliárd,mrd 12:billió",
    "hy": "3:հազար,հզր 6:միլիոն,մլն 9:միլիարդ,մլրդ 12:տրիլիոն,տրլն",
    "id": "3:rb,ribu 6:jt,juta 9:miliar 12:triliun",
    "is": (
        "3:þúsund,þúsundir 6:milljón,milljóna,milljónir,milljónum 9:milljarða,milljarðar,milljarður "
        "12:billjón,billjónir,bn"
    ),
    "it": "3:migliaia,mila,mille 6:milione,milioni,mln 9:miliardi,miliardo,mld 12:bilione,bilioni,bln",
    "ka": "3:ათ,ათასი 6:მილიონი,მლნ 9:მილიარდი,მლრ,მლრდ 12:ტრილიონი,ტრლ",
    "kk": "3:мың 6:миллион,млн 9:миллиард,млрд 12:триллион,трлн",
    "km": "3:ពាន់ 6:លាន 9:ប៊ីលាន 12:ទ្រីលាន",
    "kn": "3:ಸಾವಿರ 5:ಲಕ್ಷ 6:ಮಿಲಿಯನ್ 7:ಕೋಟಿ 9:ಬಿಲಿಯನ್ 12:ಟ್ರಿಲಿಯನ್",
    "ky": "3:миң 6:миллион,млн 9:миллиард,млд 12:триллион,трлн",
    "lo": "3:ພັນ 5:ແສນ 6:ລ້ານ 9:ຕື້ 12:ລ້ານລ້ານ",
    "lt": (
        "3:tūkst,tūkstantis,tūkstančiai,tūkstančio,tūkstančių 6:milijonai,milijonas,milijono,milijonų,mln "
        "9:milijardai,milijardas,milijardo,milijardų,mlrd "
        "12:trilijonai,trilijonas,trilijono,trilijonų,trln"
    ),
    "lv": (
        "3:tūkst,tūkstotis,tūkstoši,tūkstošu 6:milj,miljoni,miljons,miljonu "
        "9:miljardi,miljards,miljardu,mljrd 12:trilj,triljoni,triljons,triljonu"
    ),
    "mk": "3:илј,илјада,илјади 6:мил,милион,милиони 9:милијарда,милијарди,милј 12:бил,билион,билиони",
    "ml": "3:ആയിരം 5:ലക്ഷം 6:ദശലക്ഷം 7:കോടി 9:ബില്യൺ 12:ട്രില്യൺ",
    "mn": "3:мянга 6:сая 9:тэрбум 12:наяд",
    "mr": "3:हजार 5:लक्ष,लाख 7:कोटी 9:अब्ज 11:खर्व 13:पद्म",
    "ms": "3:ribu 6:juta 9:bilion 12:trilion",
    "my": "3:ထောင် 4:သောင်း 5:သိန်း 6:သန်း 7:ကုဋေ 14:ကောဋိ",
    "nb": "3:tusen 6:mill,million,millioner 9:milliard,milliarder,mrd 12:bill,billion,billioner",
    "ne": "3:हजार 5:लाख 7:करोड 9:अरब 11:खरब 13:शंख",
    "nl": "3:duizend 6:miljoen,miljoenen,mln 9:miljard,miljarden,mld 12:biljoen,biljoenen,bln",
    "nn": "3:tusen 6:mill,million,millionar 9:milliard,milliardar,mrd 12:bill,billion,billionar",
    "or": "3:ହଜାର 5:ଲକ୍ଷ 6:ନିୟୁତ 7:କୋଟି 9:ଶହକୋଟି 12:ଲକ୍ଷକୋଟି",
    "pa": "3:ਹਜ਼ਾਰ 5:ਲੱਖ 7:ਕਰੋੜ 9:ਅਰਬ 11:ਖਰਬ 13:ਨੀਲ",
    "pl": (
        "3:tys,tysiąc,tysiąca,tysiące,tysięcy 6:milion,miliona,miliony,milionów,mln "
        "9:miliard,miliarda,miliardy,miliardów,mld 12:bilion,biliona,biliony,bilionów,bln"
    ),
    "ps": "3:زره 6:میلیونه 9:بیلیونه 12:ټریلیونه",
    "pt": "3:mil 6:mi,milhão,milhões 9:bi,bilhão,bilhões 12:bilião,biliões,tri,trilhão,trilhões",
    "ro": "3:mie,mii 6:mil,milioane,milion 9:miliard,miliarde,mld 12:tril,trilioane,trilion",
    "ru": (
        "3:тыс,тысяч,тысяча,тысячи,тысячу 6:миллион,миллиона,миллионов,миллионом,миллиону,миллионы,млн "
        "9:миллиард,миллиарда,миллиардов,миллиарды,млрд 12:триллион,триллиона,триллионов,триллионы,трлн"
    ),
    "sd": "3:هزار,ھزار 6:ملين 9:بلين 12:ٽرلين",
    "si": "3:දහස 6:මිලියන 9:බිලියන 12:ට්රිලියන",
    "sk": (
        "3:tis,tisíc,tisíca,tisíce,tisícov 6:mil,milión,milióna,miliónov,milióny "
        "9:miliarda,miliardy,miliárd,mld 12:bil,bilión,bilióna,biliónov,bilióny"
    ),
    "sl": (
        "3:tis,tisoč 6:milijon,milijona,milijoni,milijonov,mio "
        "9:milijard,milijarda,milijarde,milijardi,mrd 12:bil,bilijon,bilijona,bilijoni,bilijonov"
    ),
    "so": "3:kun 6:milyan 9:bilyan 12:tirilyan",
    "sq": "3:mijë 6:milion,mln 9:miliard,mld 12:bilion,bln",
    "sr": (
        "3:hiljada,hiljade,хиљ,хиљада,хиљаде,хиљаду 6:milion,miliona,мил,милион,милиона "
        "9:milijarda,milijarde,milijardi,милијарда,милијарде,милијарди,млрд "
        "12:bilion,biliona,бил,билион,билиона"
    ),
    "sv": "3:tn,tusen,tusentals 6:miljon,miljoner,mn 9:md,miljard,miljarder 12:biljon,biljoner,bn",
    "sw": "3:elfu,maelfu 6:milioni 9:bilioni 12:trilioni",
    "ta": "3:ஆயிரம் 5:லட்சம் 6:மில்லியன் 7:கோடி 9:பில்லியன் 12:டிரில்லியன்",
    "te": ("3:వేయి,వేలు 5:లక్ష,లక్షలు 6:మిలియన్,మిలియన్లు 7:కోటి,కోట్లు 9:బిలియన్,బిలియన్లు 12:ట్రిలియన్,ట్రిలియన్లు"),
    "th": "3:พัน 4:หมื่น 5:แสน 6:ล้าน 9:พันล้าน 10:หมื่นล้าน 11:แสนล้าน 12:ล้านล้าน",
    "tk": "3:müň 6:million,mln 9:milliard,mlrd 12:trillion,trln",
    "tr": "3:bin 6:milyon,mn 9:milyar,mr 12:tn,trilyon",
    "uk": (
        "3:тис,тисяч,тисяча,тисячу,тисячі 6:млн,мільйон,мільйона,мільйони,мільйонів "
        "9:млрд,мільярд,мільярда,мільярди,мільярдів 12:трильйон,трильйона,трильйони,трильйонів,трлн"
    ),
    "ur": "2:سو 3:ہزار 5:لاکھ 7:کروڑ 9:ارب 11:کھرب 12:ٹریلین",
    "uz": "3:ming 6:million,mln 9:milliard,mlrd 12:trillion,trln",
    "vi": "3:nghìn,ngàn 6:tr,triệu 9:tỉ,tỷ",
    "zu": "3:inkulungwane,sezigidi 6:isigidi 12:isigidintathu",
}
"""By language: powers of ten, each with its words in lower case and Unicode's form NFC.

Source: Unicode CLDR, compact decimal formats; cases, Indian units and further abbreviations by hand.
"""

"""The document type of the XML files: ROOT validates against it.

It describes what is written here, a part of what ROOT's own file of this name allows.
"""

__all__ = ["SCHEMA", "SCHEMA_FILE"]

SCHEMA_FILE = "HistFactorySchema.dtd"

SCHEMA = """\
<!-- The parts of HistFactory's XML that nextstat writes. -->
<!ELEMENT Combination (Input+, Measurement)>
<!ATTLIST Combination OutputFilePrefix CDATA #REQUIRED>
<!ELEMENT Input (#PCDATA)>
<!ELEMENT Measurement (POI, ParamSetting*, ConstraintTerm*)>
<!ATTLIST Measurement
  Name CDATA #REQUIRED
  Lumi CDATA #REQUIRED
  LumiRelErr CDATA #REQUIRED
  ExportOnly CDATA #IMPLIED>
<!ELEMENT POI (#PCDATA)>
<!ELEMENT ParamSetting (#PCDATA)>
<!ATTLIST ParamSetting Val CDATA #IMPLIED Const CDATA #IMPLIED>
<!ELEMENT ConstraintTerm (#PCDATA)>
<!ATTLIST ConstraintTerm Type CDATA #REQUIRED RelativeUncertainty CDATA #IMPLIED>
<!ELEMENT Channel (Data, StatErrorConfig, Sample+)>
<!ATTLIST Channel Name CDATA #REQUIRED InputFile CDATA #REQUIRED>
<!ELEMENT Data EMPTY>
<!ATTLIST Data HistoName CDATA #REQUIRED>
<!ELEMENT StatErrorConfig EMPTY>
<!ATTLIST StatErrorConfig RelErrorThreshold CDATA #REQUIRED ConstraintType CDATA #REQUIRED>
<!ELEMENT Sample (NormFactor | OverallSys | HistoSys | ShapeSys | ShapeFactor | StatError)*>
<!ATTLIST Sample
  Name CDATA #REQUIRED
  HistoName CDATA #REQUIRED
  NormalizeByTheory CDATA #REQUIRED>
<!ELEMENT NormFactor EMPTY>
<!ATTLIST NormFactor
  Name CDATA #REQUIRED
  Val CDATA #REQUIRED
  Low CDATA #REQUIRED
  High CDATA #REQUIRED>
<!ELEMENT OverallSys EMPTY>
<!ATTLIST OverallSys Name CDATA #REQUIRED Low CDATA #REQUIRED High CDATA #REQUIRED>
<!ELEMENT HistoSys EMPTY>
<!ATTLIST HistoSys
  Name CDATA #REQUIRED
  HistoNameLow CDATA #REQUIRED
  HistoNameHigh CDATA #REQUIRED>
<!ELEMENT ShapeSys EMPTY>
<!ATTLIST ShapeSys
  Name CDATA #REQUIRED
  HistoName CDATA #REQUIRED
  ConstraintType CDATA #REQUIRED>
<!ELEMENT ShapeFactor EMPTY>
<!ATTLIST ShapeFactor Name CDATA #REQUIRED>
<!ELEMENT StatError EMPTY>
<!ATTLIST StatError Activate CDATA #REQUIRED>
"""

package org.openx.data.jsonserde;

/** The SerDe of JSON tables under the name that Athena and Glue use most. */
public class JsonSerDe extends terraglue.hive.JsonSerDe {}

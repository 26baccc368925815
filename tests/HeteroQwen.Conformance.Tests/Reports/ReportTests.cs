using System.Text.Json;
using System.Xml.Linq;

namespace HeteroQwen.Conformance.Tests;

public sealed class ReportTests
{
    private const string Hostile = "</style><script>alert(1)</script>\u0001\"'&\ud800";

    private static readonly ConformanceReport s_report = Report();

    [Fact]
    public void Json_has_the_fields_of_the_design()
    {
        JsonElement json = Json(s_report);
        Assert.Equal(
            ["level", "level_exact", "host_fallback", "batch_invariant", "kernels_from_resident", "counts", "kill_rate", "cases"],
            json.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            ["pass", "fail", "crash", "hang", "unsupported", "fallback", "mistrusted"],
            json.GetProperty("counts").EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("kill_rate").ValueKind);
        JsonElement failed = json.GetProperty("cases")[1];
        Assert.Equal(["id", "status", "reason", "repro"], failed.EnumerateObject().Select(p => p.Name));
        Assert.Equal("fail", failed.GetProperty("status").GetString());
        Assert.Equal(
            "heteroqwen conform -b toy --filter 'op/linear/f32.q8_0/3x64/dense/plain/fast'", failed.GetProperty("repro").GetString());
    }

    [Fact]
    public void Junit_is_well_formed_and_counts_each_kind()
    {
        using MemoryStream stream = new();
        JUnitXml.Write(stream, s_report);
        stream.Position = 0;
        XElement suite = XDocument.Load(stream).Root!.Element("testsuite")!;
        Assert.Equal("6", suite.Attribute("tests")!.Value);
        Assert.Equal("1", suite.Attribute("failures")!.Value);
        Assert.Equal("1", suite.Attribute("errors")!.Value);
        Assert.Equal("1", suite.Attribute("skipped")!.Value);
        Assert.Equal(6, suite.Elements("testcase").Count());
        Assert.StartsWith("fail: </style>", suite.Descendants("failure").Single().Attribute("message")!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Html_escapes_hostile_text_and_asks_for_nothing_from_elsewhere()
    {
        string page = HtmlReport.Page(s_report);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(1)", page, StringComparison.Ordinal);
        foreach (string outside in (string[])["http:", "https:", "//cdn", "@import", "url(", " src=", "<link", "<iframe"])
        {
            Assert.DoesNotContain(outside, page, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Html_has_failures_with_heat_maps_skips_with_reasons_the_ladder_and_the_matrix()
    {
        string page = HtmlReport.Page(s_report);
        Assert.Contains("<svg class=\"heat\"", page, StringComparison.Ordinal);
        Assert.Contains("no such shape", page, StringComparison.Ordinal);
        Assert.Contains("int8 per 32", page, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, 6), i => Assert.Contains($"<b>L{i}</b>", page, StringComparison.Ordinal));
        Assert.True(page.IndexOf("id=\"failures\"", StringComparison.Ordinal) < page.IndexOf("id=\"matrix\"", StringComparison.Ordinal));
        HtmlMatrix.Cell linear = HtmlMatrix.Cells(s_report).Single(c => c.Op == "linear");
        Assert.Equal(("q8_0", 0, 1, 0), (linear.Type, linear.Passed, linear.Failed, linear.Skipped));
    }

    [Fact]
    public void Certificate_has_device_digests_skips_ledger_and_numerics()
    {
        using MemoryStream stream = new();
        CertificateJson.Write(stream, s_report);
        JsonElement json = JsonDocument.Parse(stream.ToArray()).RootElement;
        Assert.Equal("toy:0", json.GetProperty("device").GetProperty("id").GetString());
        Assert.Equal("no such shape", json.GetProperty("skips")[0].GetProperty("reason").GetString());
        Assert.Equal(4, json.GetProperty("ledger").GetArrayLength());
        Assert.Equal("int8 per 32", json.GetProperty("numerics")[0].GetProperty("declared_operands").GetString());
        JsonElement digests = json.GetProperty("case_digests");
        Assert.Equal("model", digests[0].GetProperty("group").GetString());
        Assert.Equal(6, digests.EnumerateArray().Sum(d => d.GetProperty("cases").GetInt32()));
    }

    [Fact]
    public void Kill_rate_is_the_share_of_mutants_that_a_case_found()
    {
        ConformanceReport report = s_report with
        {
            Mutants = [new("a", "numerics", "adds 1", true, "op/x"), new("b", "numerics", Hostile, true, null)],
        };
        Assert.Equal(0.5, Json(report).GetProperty("kill_rate").GetDouble());
        Assert.Contains("survived", HtmlReport.Page(report), StringComparison.Ordinal);
        Assert.DoesNotContain("<script", HtmlReport.Page(report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain-word_1.so", "plain-word_1.so")]
    [InlineData("a b", "'a b'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$(rm)", "'$(rm)'")]
    [InlineData("", "''")]
    public void Words_of_a_repro_are_harmless_to_a_shell(string word, string expected) => Assert.Equal(expected, ShellWord.Of(word));

    private static JsonElement Json(ConformanceReport report)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            ReportJson.Write(json, report);
        }

        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private static ConformanceReport Report()
    {
        CaseResult[] results = [.. Surveys.Passed()];
        results[1] = new CaseResult(results[1].Id, CaseStatus.Fail, Hostile)
        {
            Metrics = new CaseMetrics(7, 1e-3, 12, 0.1, Hostile),
            Errors = new ErrorMap(2, 2, [0, 0.5f, 3, float.NaN]),
        };
        results[2] = new CaseResult(results[2].Id, CaseStatus.Crash, "signal 11");
        results[3] = new CaseResult(results[3].Id, CaseStatus.Unsupported, "no such shape");
        Survey survey = Surveys.Whole with { Device = Surveys.Device with { Name = Hostile, Notes = [Hostile] } };
        SuiteOptions options = new(Profile.Quick, SuiteOptions.BothPrecisions, 1, null);
        return new ConformanceReport(survey, options, [.. results], Levels.Compute(survey, results), "heteroqwen conform -b toy");
    }
}

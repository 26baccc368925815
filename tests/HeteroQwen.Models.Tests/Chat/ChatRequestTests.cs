using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

public sealed class ChatRequestTests
{
    [Theory]
    [InlineData("", "JSON")]
    [InlineData("{", "JSON")]
    [InlineData("[]", "messages")]
    [InlineData("{}", "messages")]
    [InlineData("""{"messages":{}}""", "messages")]
    [InlineData("""{"messages":[]}""", "at least one")]
    [InlineData("""{"messages":[3]}""", "messages[0]")]
    [InlineData("""{"messages":[{"content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"king","content":"x"}]}""", "king")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":null}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":3}]}""", "messages[1].content")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", "Unicode")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","reasoning_content":3}]}""", "reasoning_content")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","tool_calls":{}}]}""", "tool_calls")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","tool_calls":[1]}]}""", "tool_calls[0]")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","tool_calls":[{"name":"f"}]}]}""", "arguments")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","tool_calls":[{"name":1,"arguments":{}}]}]}""", "name")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":{}}""", "tools")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":["f"]}""", "tools[0]")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"enable_thinking":"no"}""", "enable_thinking")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"add_generation_prompt":1}""", "add_generation_prompt")]
    public void Parse_a_bad_request_is_refused_by_place(string json, string named)
    {
        var error = Assert.Throws<UserErrorException>(() => Parse(json));
        Assert.Contains("chat.json", error.Message);
        Assert.Contains(named, error.Message);
        Assert.EndsWith(".", error.Message);
    }

    [Fact]
    public void Parse_deep_nesting_is_refused()
        => Assert.Contains("JSON", Assert.Throws<UserErrorException>(() => Parse("{\"tools\":" + new string('[', 1_000_000))).Message);

    [Fact]
    public void Parse_without_options_thinks_and_ends_where_the_answer_begins()
        => Assert.EndsWith("<|im_start|>assistant\n", Render("""{"messages":[{"role":"user","content":"x"}],"tools":null}"""));

    [Fact]
    public void Parse_unknown_fields_are_kept_for_a_warning()
        => Assert.Equal(["enable_thinkng"], Parse("""{"messages":[{"role":"user","content":"x"}],"enable_thinkng":false}""").IgnoredFields);

    [Fact]
    public void Parse_a_call_without_content_is_an_empty_one()
    {
        const string Call = """{"messages":[{"role":"assistant",@"tool_calls":[{"name":"f","arguments":null}]}]}""";
        var texts = ((string[])["", "\"content\":null,", "\"content\":\"\","]).Select(content => Render(Call.Replace("@", content)));
        Assert.Single(texts.Distinct());
    }

    [Fact]
    public void Load_a_missing_file_names_it()
        => Assert.Contains("absent.json", Assert.Throws<UserErrorException>(() => ChatRequest.Load("absent.json")).Message);

    /// <summary>What Python's json.dumps(json.loads(x), ensure_ascii=False) gives.</summary>
    [Theory]
    [InlineData("""{"b":1,"a":[1,2,{}],"b":3}""", """{"b": 3, "a": [1, 2, {}]}""")]
    [InlineData("[ ]", "[]")]
    [InlineData("[true,false,null]", "[true, false, null]")]
    [InlineData("\"\\u00e9\\ud83d\\ude00<>&'\\/\"", "\"é😀<>&'/\"")]
    [InlineData("\"\\\"\\\\\\n\\r\\t\\f\\b\\u0001\\u001f\\u007f\\u2028\"", "\"\\\"\\\\\\n\\r\\t\\f\\b\\u0001\\u001f\u007f\u2028\"")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("[0,-0,-1]", "[0, 0, -1]")]
    [InlineData("[0.0,-0.0,1.0,1.50,0.1]", "[0.0, -0.0, 1.0, 1.5, 0.1]")]
    [InlineData("[1e0,1E5,1e15,1e16,1e22]", "[1.0, 100000.0, 1000000000000000.0, 1e+16, 1e+22]")]
    [InlineData("12345678901234567.0", "1.2345678901234568e+16")]
    [InlineData("[1e-4,1e-5,0.00012345,0.000012345,1.5e-10]", "[0.0001, 1e-05, 0.00012345, 1.2345e-05, 1.5e-10]")]
    [InlineData("[1e400,-1e400,5e-324,1.7976931348623157e308]", "[Infinity, -Infinity, 5e-324, 1.7976931348623157e+308]")]
    [InlineData("[100.25,9999999999999998.0,0.30000000000000004]", "[100.25, 9999999999999998.0, 0.30000000000000004]")]
    public void Arguments_are_written_as_Python_does(string json, string expected)
    {
        var request = Parse($$"""{"messages":[{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":[{{json}}]}]}]}""");
        Assert.Equal($"[{expected}]", request.Messages[0].ToolCalls[0].Arguments);
    }

    private static string Render(string json) => ChatTemplate.Qwen3.Render(Parse(json)).Text;

    private static ChatRequest Parse(string json) => ChatRequest.Parse(Encoding.UTF8.GetBytes(json), "chat.json");
}

using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Tests;

/// <summary><c>heteroqwen_backend.h</c> says what the C# contract says, and compiles.</summary>
public sealed class HeaderTests
{
    private static readonly CHeader s_header = CHeader.Load();
    private static readonly ContractInC s_contract = new();

    public static TheoryData<string> Structs => [.. s_contract.Structs.Keys.Order()];

    public static TheoryData<string> Enums => [.. s_contract.Enums.Keys.Order()];

    [Theory]
    [MemberData(nameof(Structs))]
    public void Struct_or_table_of_the_header_has_the_members_of_the_contract_in_order(string name) =>
        Assert.Equal(s_contract.Structs[name], s_header.Structs.GetValueOrDefault(name, []));

    [Theory]
    [MemberData(nameof(Enums))]
    public void Enum_of_the_header_has_the_numbers_of_the_contract(string name) =>
        Assert.Equal(s_contract.Enums[name], s_header.Enums.GetValueOrDefault(name, []));

    [Fact]
    public void Header_declares_nothing_that_the_contract_lacks()
    {
        // The two that C needs on top: where a message goes, and the table of tables.
        Assert.Equal(s_contract.Structs.Keys.Append("hq_message").Append("hq_api").Order(), s_header.Structs.Keys.Order());
        Assert.Equal(s_contract.Enums.Keys.Order(), s_header.Enums.Keys.Order());
        Assert.Equal(s_contract.Handles.Order(), s_header.Handles.Order());
    }

    [Fact]
    public void Every_struct_of_the_header_begins_with_its_size() =>
        Assert.All(s_header.Structs.Values, fields => Assert.Equal("size_t struct_size", fields[0]));

    [Fact]
    public void Table_of_tables_lists_every_table()
    {
        // Those of the library; the host's own comes the other way.
        IEnumerable<string> own = s_contract.Structs.Keys.Where(n => n.EndsWith("_api", StringComparison.Ordinal) && n != "hq_host_api");
        var tables = own.Select(n => $"const {n}* {n[3..^4]}");
        Assert.Equal(tables.Order(), s_header.Structs["hq_api"].Skip(2).Order());
    }

    [Fact]
    public void Header_exports_one_entry_point_that_negotiates_a_range_of_versions() =>
        Assert.Equal(
            "hq_status_code hq_backend_entry("
            + "uint32_t oldest, uint32_t newest, const hq_host_api* host, const hq_api** api, hq_message* message)",
            Assert.Single(s_header.Exports));

    [Theory]
    [InlineData("T")]
    [InlineData("N")]
    [InlineData("B")]
    [InlineData("R")]
    [InlineData("B+1")]
    public void Symbol_of_a_dimension_has_one_code_on_both_sides(string symbol)
    {
        Assert.True(Dim.TryParse(symbol, out Dim dim));
        Assert.Equal($"{dim.Code}", s_header.Defines[$"HQ_DIM_{symbol.Replace("+", "PLUS", StringComparison.Ordinal)}"]);
    }

    [Fact]
    public void Symbols_of_dimensions_are_five_on_both_sides()
    {
        Assert.Equal(5, s_header.Defines.Keys.Count(k => k.StartsWith("HQ_DIM_", StringComparison.Ordinal)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dim.FromCode(-6));
    }

    [Fact]
    public void Defaults_of_the_header_are_those_of_the_contract()
    {
        Capabilities defaults = new() { Types = [ElementType.F32] };
        Dictionary<string, string> expected = new()
        {
            ["HQ_DEFAULT_FAST_EXPANSION"] = $"HQ_{defaults.FastExpansion}",
            ["HQ_DEFAULT_ROW_MULTIPLE"] = $"{defaults.RowMultiple}",
            ["HQ_DEFAULT_ALIGNMENT"] = $"{defaults.Alignment}",
            ["HQ_DEFAULT_LENGTH_ALIGNMENT"] = $"{defaults.LengthAlignment}",
            ["HQ_DEFAULT_LARGEST_BUFFER"] = defaults.LargestBuffer == long.MaxValue ? "INT64_MAX" : $"{defaults.LargestBuffer}",
            ["HQ_DEFAULT_PAGE_SIZE"] = $"{defaults.PageSize}",
        };
        Assert.Equal(expected, s_header.Defines.Where(d => d.Key.StartsWith("HQ_DEFAULT_", StringComparison.Ordinal)).ToDictionary());
    }
}

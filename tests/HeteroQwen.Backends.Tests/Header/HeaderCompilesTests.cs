using System.ComponentModel;
using System.Diagnostics;

namespace HeteroQwen.Backends.Tests;

/// <summary>The header stands alone, in C11 and in C++.</summary>
public sealed class HeaderCompilesTests
{
    [Theory]
    [InlineData("cc", "c", "-std=c11")]
    [InlineData("c++", "c++", "-std=c++17")]
    public void Header_compiles_without_a_warning(string compiler, string language, string standard)
    {
        ProcessStartInfo start = new(compiler) { RedirectStandardError = true };
        string[] arguments = [standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x", language, CHeader.Path];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        string errors;
        int exitCode;
        try
        {
            using Process process = Process.Start(start)!;
            errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            exitCode = process.ExitCode;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"no {compiler} on this machine");
            return;
        }

        Assert.True(exitCode == 0, errors);
    }
}

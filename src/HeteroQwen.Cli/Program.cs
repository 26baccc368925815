using HeteroQwen.Cli;

return CommandLine.Run(args);

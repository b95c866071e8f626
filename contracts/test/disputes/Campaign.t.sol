// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {T} from "../T.sol";
import {Players} from "./Players.sol";

/// @notice Whatever honest players, liars and their friends do in whatever order: what must hold after each thing done.
contract CampaignTest is T {
    bool public constant IS_TEST = true;

    Players private players;
    IDisputes private disputes;

    function setUp() external {
        players = new Players();
        disputes = players.contractUnderTest();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(players);
    }

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (Selectors[] memory targets) {
        targets = new Selectors[](1);
        targets[0].addr = address(players);
        targets[0].selectors = new bytes4[](12);
        bytes4[] memory list = targets[0].selectors;
        (list[0], list[1], list[2]) =
        (Players.claim.selector, Players.challenge.selector, Players.play.selector);
        (list[3], list[4], list[5]) = (list[2], Players.wait.selector, Players.waitLong.selector);
        (list[6], list[7], list[8]) =
        (Players.timeOut.selector, Players.release.selector, Players.settle.selector);
        (list[9], list[10], list[11]) = (Players.withdraw.selector, Players.intrude.selector, list[2]);
    }

    /// @dev One campaign for all of them: each invariant function would run its own.
    /// forge-config: default.invariant.runs = 64
    /// forge-config: default.invariant.depth = 50
    function invariant_disputes() public view {
        everyWeiIsSomewhere();
        truthStandsAndLiesDoNot();
        whatEndedStaysAsItWas();
        everyClockEndsInTime();
    }

    function afterInvariant() external {
        players.finish();
        invariant_disputes();
        uint256 paidIn;
        uint256 paidOut;
        address[6] memory all = players.players();
        for (uint256 i; i < 6; ++i) {
            if (players.isHonest(all[i])) {
                yes(players.paidOut(all[i]) >= players.paidIn(all[i]), "no honest bond is lost");
            }
            paidIn += players.paidIn(all[i]);
            paidOut += players.paidOut(all[i]);
        }
        // So liars and their friends together have lost at least what was burned.
        eq(paidIn, paidOut + disputes.burned(), "all paid out but what was burned");
        eq(address(disputes).balance, disputes.burned(), "nothing is stuck");
        for (uint256 id; id < players.claimCount(); ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            yes(c.settled == (players.claims(id) == 0), "the truth stands");
            yes(c.lost == (players.claims(id) != 0), "and the lie is lost");
            eq(c.pot, 0, "the reward is paid out");
            eq(c.liveGames, 0, "no game is left");
        }
    }

    function everyWeiIsSomewhere() private view {
        uint256 sum = disputes.burned();
        address[6] memory all = players.players();
        for (uint256 i; i < 6; ++i) {
            sum += disputes.credit(all[i]);
        }
        for (uint256 id; id < players.claimCount(); ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            sum += c.pot;
            if (!c.lost && !c.settled) sum += c.bond;
        }
        for (uint256 id; id < players.gameCount(); ++id) {
            IDisputes.Game memory g = disputes.gameOf(id);
            if (g.phase != IDisputes.Phase.Over) sum += g.bond;
        }
        eq(address(disputes).balance, sum, "credits, burned, and bonds at stake");
    }

    function truthStandsAndLiesDoNot() private view {
        uint256[] memory live = new uint256[](players.claimCount());
        uint256[] memory moves = new uint256[](live.length);
        for (uint256 id; id < players.gameCount(); ++id) {
            IDisputes.Game memory g = disputes.gameOf(id);
            if (g.phase == IDisputes.Phase.Over) continue;
            ++live[g.claim];
            moves[g.claim] += g.moves;
        }
        for (uint256 id; id < live.length; ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            no(c.lost && c.settled, "one end");
            if (players.claims(id) == 0) no(c.lost, "the truth is never lost");
            else no(c.settled, "a lie that an honest player looks at never stands");
            eq(c.liveGames, live[id], "the games that are live");
            eq(c.moves, moves[id], "and their moves");
        }
    }

    function whatEndedStaysAsItWas() private view {
        for (uint256 id; id < players.gameCount(); ++id) {
            bytes32 ended = players.endedGame(id);
            if (ended != 0) eq(players.stateOf(id), ended, "no move after the end");
        }
    }

    function everyClockEndsInTime() private view {
        IDisputes.Terms memory terms = players.theTerms();
        uint256 most = disputes.maxSeconds(terms);
        for (uint256 id; id < players.gameCount(); ++id) {
            if (disputes.gameOf(id).phase == IDisputes.Phase.Over) continue;
            yes(players.deadline(id) <= players.madeAt(players.games(id)) + most, "by a computable time");
        }
    }
}
